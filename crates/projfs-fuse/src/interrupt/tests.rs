//! Tests of interrupts.

use super::*;

#[test]
fn a_waiting_request_is_cancelled() {
    let interrupts = Interrupts::default();
    let token = interrupts.enter(4);
    assert!(!token.is_cancelled());
    assert!(interrupts.interrupt(4));
    assert!(token.is_cancelled());
    interrupts.leave(4);
    assert!(!interrupts.interrupt(4));
}

#[test]
fn an_early_interrupt_meets_its_request() {
    let interrupts = Interrupts::default();
    assert!(!interrupts.interrupt(6));
    assert!(!interrupts.enter(8).is_cancelled());
    assert!(interrupts.enter(6).is_cancelled());
    interrupts.leave(6);
    assert!(!interrupts.enter(6).is_cancelled(), "once is enough");
}

#[test]
fn early_interrupts_age_out() {
    let interrupts = Interrupts::default();
    assert!((0..=EARLY as u64).all(|unique| !interrupts.interrupt(unique)));
    assert!(!interrupts.enter(0).is_cancelled());
    assert!(interrupts.enter(1).is_cancelled());
}

#[test]
fn all_are_cancelled_at_stop() {
    let interrupts = Interrupts::default();
    let tokens = [interrupts.enter(1), interrupts.enter(2)];
    interrupts.interrupt_all();
    assert!(tokens.iter().all(CancelToken::is_cancelled));
    assert_eq!(interrupts.waiting(), 2);
}
