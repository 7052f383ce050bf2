//! Checked reads of little-endian figures.

use driftshm_layout::profile::Field;

use super::Problem;

/// Refuses data of fewer than `needed` bytes.
pub(super) fn require(data: &[u8], needed: usize) -> Result<(), Problem> {
    match data.len() {
        len if len < needed => Err(Problem::TooShort { len, needed }),
        _ => Ok(()),
    }
}

/// Refuses data that does not begin with an Anchor discriminator.
pub(super) fn require_discriminator(data: &[u8], expected: [u8; 8]) -> Result<(), Problem> {
    // As big-endian numbers, so that an error's digits come in the order of the bytes.
    let (found, expected) = (array(data, 0).map(u64::from_be_bytes)?, u64::from_be_bytes(expected));
    if found != expected {
        return Err(Problem::WrongMagic { found, expected });
    }
    Ok(())
}

/// Where the last of a profile's fields ends in the account.
pub(super) fn end_of_all<const N: usize>(fields: [Field; N]) -> usize {
    let end =
        |field: Field| usize::try_from(field.offset).map(|at| at.saturating_add(field.size()));
    // An offset that no account on this machine can have is one no account reaches to.
    fields.into_iter().map(|field| end(field).unwrap_or(usize::MAX)).max().unwrap_or(0)
}

/// A figure of a profile's field. Once the account is known to be long enough, none means that
/// the number in it does not fit.
pub(super) fn fits<T>(figure: Option<T>, what: &'static str) -> Result<T, Problem> {
    figure.ok_or(Problem::Overflow { what })
}

/// The `N` bytes at `offset`.
pub(super) fn array<const N: usize>(data: &[u8], offset: usize) -> Result<[u8; N], Problem> {
    data.get(offset..)
        .and_then(|tail| tail.first_chunk().copied())
        .ok_or(Problem::TooShort { len: data.len(), needed: offset.saturating_add(N) })
}

pub(super) fn u8_at(data: &[u8], offset: usize) -> Result<u8, Problem> {
    array(data, offset).map(u8::from_le_bytes)
}

pub(super) fn u32_at(data: &[u8], offset: usize) -> Result<u32, Problem> {
    array(data, offset).map(u32::from_le_bytes)
}

pub(super) fn i32_at(data: &[u8], offset: usize) -> Result<i32, Problem> {
    array(data, offset).map(i32::from_le_bytes)
}

pub(super) fn u64_at(data: &[u8], offset: usize) -> Result<u64, Problem> {
    array(data, offset).map(u64::from_le_bytes)
}

pub(super) fn i64_at(data: &[u8], offset: usize) -> Result<i64, Problem> {
    array(data, offset).map(i64::from_le_bytes)
}

pub(super) fn i128_at(data: &[u8], offset: usize) -> Result<i128, Problem> {
    array(data, offset).map(i128::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_little_endian_and_may_touch_the_end() {
        let data = [1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff];
        assert_eq!(u32_at(&data, 0), Ok(1));
        assert_eq!(i32_at(&data, 4), Ok(-2));
        assert_eq!(u64_at(&data, 0), Ok(0xffff_fffe_0000_0001));
    }

    #[test]
    fn reads_past_the_end_say_how_far_they_reached() {
        let data = [0; 8];
        assert_eq!(u64_at(&data, 1), Err(Problem::TooShort { len: 8, needed: 9 }));
        let needed = usize::MAX;
        assert_eq!(u8_at(&data, usize::MAX), Err(Problem::TooShort { len: 8, needed }));
    }

    #[test]
    fn a_foreign_discriminator_is_shown_in_the_order_of_its_bytes() {
        let found = require_discriminator(&[1, 2, 3, 4, 5, 6, 7, 8], [9; 8]);
        let (found_bytes, expected) = (0x0102_0304_0506_0708, 0x0909_0909_0909_0909);
        assert_eq!(found, Err(Problem::WrongMagic { found: found_bytes, expected }));
    }
}
