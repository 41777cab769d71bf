//! Nothing that panics here gets across to C.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use crate::hresult;
use crate::hresult::HResult;

/// Runs the body of an exported function. A panic becomes `ERROR_INTERNAL_ERROR`.
pub(crate) fn call(name: &'static str, body: impl FnOnce() -> Result<(), HResult>) -> HResult {
    call_or(name, hresult::INTERNAL_ERROR, || match body() {
        Ok(()) => hresult::S_OK,
        Err(error) => {
            tracing::debug!(function = name, "refused with {error:#010x}");
            error
        }
    })
}

/// The same for a function that returns something else: what it returns instead is said.
pub(crate) fn call_or<T>(name: &'static str, instead: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        tracing::error!(function = name, why = message(&*panic), "panicked");
        instead
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests;
