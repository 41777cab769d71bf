//! How a function is exported: under its name, guarded, and with a twin for strings of four-byte units.

/// Exports a function that takes strings twice, once for each width of their units. The body says what the function
/// does for a width; it stands within `guard`, and may follow the pointers as the header says they are.
macro_rules! both_widths {
    ($(#[$doc:meta])* fn $name:ident, $twin:ident($($arg:ident: $type:ty),* $(,)?) -> $result:ty, else $instead:literal {
        |$width:ident| $body:expr
    }) => {
        $crate::export::both_widths!(@one $(#[$doc])* $name, Two, ($($arg: $type),*), $result, $width,
            $crate::guard::call_or(stringify!($name), $instead, || $body));
        $crate::export::both_widths!(@one $(#[$doc])* $twin, Four, ($($arg: $type),*), $result, $width,
            $crate::guard::call_or(stringify!($name), $instead, || $body));
    };
    ($(#[$doc:meta])* fn $name:ident, $twin:ident($($arg:ident: $type:ty),* $(,)?) {
        |$width:ident| $body:expr
    }) => {
        $crate::export::both_widths!(@one $(#[$doc])* $name, Two, ($($arg: $type),*), $crate::hresult::HResult, $width,
            $crate::guard::call(stringify!($name), || $body));
        $crate::export::both_widths!(@one $(#[$doc])* $twin, Four, ($($arg: $type),*), $crate::hresult::HResult, $width,
            $crate::guard::call(stringify!($name), || $body));
    };
    (@one $(#[$doc:meta])* $name:ident, $units:ident, ($($arg:ident: $type:ty),*), $result:ty, $width:ident, $body:expr) => {
        $(#[$doc])*
        #[allow(non_snake_case, reason = "the name is the header's")]
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($arg: $type),*) -> $result {
            let $width = $crate::wide::Width::$units;
            $body
        }
    };
}

pub(crate) use both_widths;
