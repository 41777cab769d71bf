use super::*;

#[test]
fn a_panic_is_an_internal_error() {
    assert_eq!(call("test", || panic!("on purpose")), hresult::INTERNAL_ERROR);
    assert_eq!(call_or("test", 7, || panic!("{}", "on purpose")), 7);
}

#[test]
fn what_is_returned_comes_through() {
    assert_eq!(call("test", || Ok(())), hresult::S_OK);
    assert_eq!(call("test", || Err(hresult::E_INVALIDARG)), hresult::E_INVALIDARG);
    assert_eq!(call_or("test", 7, || 8), 8);
}
