//! `checks.c`: what callbacks are told, what functions refuse, through a mount.

use std::process::Command;

use crate::support::LANGUAGES;
use crate::support::Wide;
use crate::support::mounted;
use crate::support::package;
use crate::support::run;

#[test]
fn callbacks_functions_and_misuse() {
    mounted("callbacks_functions_and_misuse", |dir| {
        let [program, root] = ["checks", "root"].map(|name| dir.join(name));
        std::fs::create_dir(&root).unwrap();
        LANGUAGES[0].program(Wide::Native, &package().join("tests/capi/checks.c"), &program);
        run(Command::new(&program).arg(&root));
    });
}
