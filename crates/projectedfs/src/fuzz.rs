//! What must hold of what is said over the control socket, whatever its bytes are: for fuzzing.

use crate::control::Answer;
use crate::control::Question;
use crate::control::escape;
use crate::control::unescape;

/// A question, an answer, and a path: what is taken comes back when it is said, in one line.
pub fn control(bytes: &[u8]) {
    let line = |text: String| {
        assert!(!text.contains('\n'));
        text
    };
    if let Ok(question) = serde_json::from_slice::<Question>(bytes) {
        let said = line(serde_json::to_string(&question).expect("a question can be said"));
        assert_eq!(serde_json::from_str::<Question>(&said).ok(), Some(question));
    }
    if let Ok(answer) = serde_json::from_slice::<Answer>(bytes) {
        let said = line(serde_json::to_string(&answer).expect("an answer can be said"));
        assert_eq!(serde_json::from_str::<Answer>(&said).ok(), Some(answer));
    }
    let text = escape(bytes);
    assert_eq!(unescape(&text).as_deref(), Some(bytes));
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Some(unescaped) = unescape(text)
    {
        assert_eq!(unescape(&escape(&unescaped)), Some(unescaped));
    }
}

#[cfg(test)]
mod tests;
