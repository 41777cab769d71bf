//! `PrjFileNameMatch`, `PrjFileNameCompare`, `PrjDoesNameContainWildCards`.

use std::cmp::Ordering;

use projfs_types::collation;

use crate::abi::WideStr;
use crate::export::both_widths;
use crate::wide;
use crate::wide::Width;

both_widths! {
    /// `PrjFileNameMatch`. A null pointer is the empty string.
    fn PrjFileNameMatch, PrjFileNameMatch_w32(name: WideStr, pattern: WideStr) -> u8, else 0 {
        |width| {
            // SAFETY: the header says what the pointers lead to.
            let (name, pattern) = unsafe { (text(name, width), text(pattern, width)) };
            u8::from(collation::file_name_match(&name, &pattern))
        }
    }
}

both_widths! {
    /// `PrjFileNameCompare`. A null pointer is the empty string.
    fn PrjFileNameCompare, PrjFileNameCompare_w32(one: WideStr, other: WideStr) -> i32, else 0 {
        |width| {
            // SAFETY: the header says what the pointers lead to.
            let (one, other) = unsafe {
                let (one, other) = past_what_is_equal(one, other, width);
                (text(one, width), text(other, width))
            };
            match collation::file_name_compare(&one, &other) {
                Ordering::Less => -1,
                Ordering::Equal => 0,
                Ordering::Greater => 1,
            }
        }
    }
}

both_widths! {
    /// `PrjDoesNameContainWildCards`. A null pointer is the empty string.
    fn PrjDoesNameContainWildCards, PrjDoesNameContainWildCards_w32(name: WideStr) -> u8, else 0 {
        // SAFETY: the header says what the pointer leads to.
        |width| u8::from(collation::does_name_contain_wild_cards(&unsafe { text(name, width) }))
    }
}

/// Where two strings begin to differ, in units that need not be converted. Providers sort with this, and names in one
/// directory often begin alike.
///
/// # Safety
/// As [`wide::read`].
unsafe fn past_what_is_equal(one: WideStr, other: WideStr, width: Width) -> (WideStr, WideStr) {
    if one.is_null() || other.is_null() {
        return (one, other);
    }
    // SAFETY: the caller's promise.
    unsafe {
        match width {
            Width::Two => past(one.cast::<u16>(), other.cast::<u16>(), |_| true),
            Width::Four => past(one.cast::<u32>(), other.cast::<u32>(), |unit| unit <= char::MAX.into()),
        }
    }
}

/// What makes a string none stays in it.
///
/// # Safety
/// Both lead to units up to and with a zero.
unsafe fn past<T: Copy + Default + PartialEq>(
    one: *const T,
    other: *const T,
    is_good: fn(T) -> bool,
) -> (WideStr, WideStr) {
    // So much is left of what is equal that what is compared cannot be taken for the names `.` and `..`.
    const KEPT: usize = 3;
    let mut equal = 0;
    loop {
        // SAFETY: no zero was found so far, so one more unit is there.
        let (unit, opposite) =
            unsafe { (one.add(equal).read_unaligned(), other.add(equal).read_unaligned()) };
        if unit != opposite || unit == T::default() || !is_good(unit) {
            break;
        }
        equal += 1;
    }
    let skipped = equal.saturating_sub(KEPT);
    // SAFETY: as many units were read.
    unsafe { (one.add(skipped).cast(), other.add(skipped).cast()) }
}

/// Reads a string; one that is no string is the empty one.
///
/// # Safety
/// As [`wide::read`].
unsafe fn text(text: WideStr, width: Width) -> Vec<u16> {
    // SAFETY: the caller's promise.
    unsafe { wide::read_opt(text, width) }.ok().flatten().unwrap_or_default()
}

#[cfg(test)]
mod tests;
