//! Whether the sections are where they can be: nothing of the file is believed before.

use crate::geometry::{Geometry, MAX_CAPACITY, PAGE, Section};
use crate::header::Fixed;
use crate::journal;
use crate::profile::Kind;
use crate::record::Shape;

/// Every offset and length within the file, sections in the known order, not overlapping.
pub(super) fn check_geometry(fixed: &Fixed, words: usize) -> Result<Geometry, String> {
    let total_len = words * 8;
    let mut reached = PAGE as u64;
    let mut within =
        |what: &str, offset: u64, len: Option<u64>| -> Result<(usize, usize), String> {
            let end = len.and_then(|len| offset.checked_add(len));
            match end {
                Some(end) if offset >= reached && offset % 8 == 0 && end <= total_len as u64 => {
                    reached = end;
                    Ok((offset as usize, (end - offset) as usize))
                }
                _ => Err(format!("its {what} section lies outside of it or upon another")),
            }
        };
    let power = |what: &str, entries: u64| match entries.is_power_of_two() {
        true => Ok(entries),
        false => Err(format!("its {what} has {entries} entries, which is no power of two")),
    };
    if fixed.schema_len > crate::profile::MAX_JSON_LEN as u64 {
        return Err("its schema section is too long".to_owned());
    }
    let (schema_offset, schema_len) =
        within("schema", fixed.schema_offset, Some(fixed.schema_len))?;
    let entries = power("directory", fixed.directory_entries)?;
    let (directory_offset, _) =
        within("directory", fixed.directory_offset, entries.checked_mul(8))?;
    let journal_entries = power("journal", fixed.journal_entries)?;
    let entry_len = journal::ENTRY_WORDS as u64 * 8;
    let (journal_offset, _) =
        within("journal", fixed.journal_offset, journal_entries.checked_mul(entry_len))?;
    if fixed.section_count != Kind::ALL.len() as u64 {
        return Err(format!("it has {} record sections", fixed.section_count));
    }
    let mut sections = Vec::with_capacity(Kind::ALL.len());
    let mut first_record = 0u32;
    for (kind, section) in Kind::ALL.into_iter().zip(&fixed.sections) {
        let limit = MAX_CAPACITY as u64;
        let sound = section.kind == kind as u64
            && (1..=limit).contains(&section.capacity)
            && section.extra_words <= 1 << 10
            && section.payload_words <= 1 << 20
            && section.first_record == u64::from(first_record);
        let shape = Shape {
            extra_words: section.extra_words as usize & 0xffff,
            payload_words: section.payload_words as usize & 0xff_ffff,
        };
        if !sound || section.stride != shape.stride() as u64 {
            return Err(format!("its section of {kind} records is damaged"));
        }
        let len = section.capacity.checked_mul(section.stride * 8);
        let (offset, _) = within(kind.as_str(), section.offset, len)?;
        let capacity = section.capacity as usize;
        sections.push(Section { kind, offset, capacity, shape, first_record });
        first_record += capacity as u32;
    }
    Ok(Geometry {
        schema_offset,
        schema_len,
        directory_offset,
        directory_entries: entries as usize,
        journal_offset,
        journal_entries: journal_entries as usize,
        sections: sections.try_into().map_err(|_| "it lacks record sections".to_owned())?,
        total_len,
    })
}
