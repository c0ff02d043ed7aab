//! Thrift's compact protocol, as far as the headers of Parquet need it: structs, lists, numbers, names.

/// A field's or element's kind, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    True = 1,
    Int32 = 5,
    Int64 = 6,
    Binary = 8,
    List = 9,
    Struct = 12,
}

/// A struct that is being written; its fields come in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Struct {
    bytes: Vec<u8>,
    last: u8,
}

impl Struct {
    /// A 32-bit number, or a word of an enumeration.
    pub(super) fn int32(mut self, field: u8, value: i32) -> Self {
        self.field(field, Kind::Int32);
        varint(zigzag(value.into()), &mut self.bytes);
        self
    }

    /// A 64-bit number.
    pub(super) fn int64(mut self, field: u8, value: u64) -> Self {
        self.field(field, Kind::Int64);
        varint(zigzag(i64::try_from(value).unwrap_or(i64::MAX)), &mut self.bytes);
        self
    }

    /// A truth that holds.
    pub(super) fn yes(mut self, field: u8) -> Self {
        self.field(field, Kind::True);
        self
    }

    /// Text.
    pub(super) fn text(mut self, field: u8, text: &str) -> Self {
        self.field(field, Kind::Binary);
        binary(text, &mut self.bytes);
        self
    }

    /// A struct within it.
    pub(super) fn inner(mut self, field: u8, inner: Struct) -> Self {
        self.field(field, Kind::Struct);
        self.bytes.extend(inner.finish());
        self
    }

    /// A list of structs.
    pub(super) fn structs(mut self, field: u8, items: Vec<Struct>) -> Self {
        self.list(field, Kind::Struct, items.len());
        items.into_iter().for_each(|item| self.bytes.extend(item.finish()));
        self
    }

    /// A list of words of an enumeration.
    pub(super) fn int32s(mut self, field: u8, items: &[i32]) -> Self {
        self.list(field, Kind::Int32, items.len());
        items.iter().for_each(|item| varint(zigzag((*item).into()), &mut self.bytes));
        self
    }

    /// A list of texts.
    pub(super) fn texts(mut self, field: u8, items: &[&str]) -> Self {
        self.list(field, Kind::Binary, items.len());
        items.iter().for_each(|item| binary(item, &mut self.bytes));
        self
    }

    /// Its bytes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }

    /// The head of a field: how far its number is from the one before it, at most 15, and its kind.
    fn field(&mut self, field: u8, kind: Kind) {
        let distance = field.saturating_sub(self.last);
        self.bytes.push(distance << 4 | kind as u8);
        self.last = field;
    }

    fn list(&mut self, field: u8, kind: Kind, length: usize) {
        self.field(field, Kind::List);
        match u8::try_from(length) {
            Ok(short @ ..15) => self.bytes.push(short << 4 | kind as u8),
            _ => {
                self.bytes.push(0xf0 | kind as u8);
                varint(length as u64, &mut self.bytes);
            }
        }
    }
}

fn binary(text: &str, into: &mut Vec<u8>) {
    varint(text.len() as u64, into);
    into.extend_from_slice(text.as_bytes());
}

fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// A number of seven bits a byte, the least first.
pub(super) fn varint(mut value: u64, into: &mut Vec<u8>) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_fields_are_written_as_the_protocol_says() {
        // Thrift compact protocol: 300 is AC 02; zig-zag makes 1 of -1 and 2 of 1.
        let mut bytes = Vec::new();
        varint(300, &mut bytes);
        assert_eq!(bytes, [0xac, 0x02]);
        assert_eq!((zigzag(-1), zigzag(1), zigzag(-2), zigzag(i64::MIN)), (1, 2, 3, u64::MAX));
        // Field 1 (i32), then field 4 (binary), each with its distance from the one before; a zero ends the struct.
        assert_eq!(Struct::default().int32(1, 5).text(4, "ab").finish(), [0x15, 10, 0x38, 2, b'a', b'b', 0]);
        assert_eq!(Struct::default().int32s(2, &[0, 3]).finish(), [0x29, 0x25, 0, 6, 0]);
        assert_eq!(Struct::default().yes(1).inner(2, Struct::default()).finish(), [0x11, 0x1c, 0, 0]);
    }

    #[test]
    fn a_long_list_has_its_length_behind_its_head() {
        let bytes = Struct::default().int32s(1, &[0; 15]).finish();
        assert_eq!(bytes[..3], [0x19, 0xf5, 15]);
        assert_eq!(Struct::default().int32s(1, &[0; 14]).finish()[..2], [0x19, 0xe5]);
    }
}
