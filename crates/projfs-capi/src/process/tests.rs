use super::*;

#[test]
fn a_thread_is_known_by_its_process() {
    let thread = rustix::thread::gettid().as_raw_nonzero().get() as u32;
    assert_ne!(thread, std::process::id(), "tests run on threads of their own");
    let process = Process::of(thread, Width::Two);
    assert_eq!(process.id, std::process::id());
    let Some(Text::Two(image)) = process.image else { panic!("no image") };
    let expected = std::env::current_exe().unwrap();
    let expected: Vec<u16> = expected.to_str().unwrap().encode_utf16().collect();
    assert_eq!(image, [expected, vec![0]].concat());
}

#[test]
fn nobody_has_neither_id_nor_image() {
    let process = Process::of(0, Width::Two);
    assert_eq!(process.id, 0);
    assert!(process.image.is_none());
}

#[test]
fn a_process_that_is_gone_has_an_empty_image() {
    // Above the largest number that the kernel gives.
    let process = Process::of(u32::MAX, Width::Two);
    assert_eq!(process.id, u32::MAX);
    assert!(matches!(process.image, Some(Text::Two(image)) if image == [0]));
}
