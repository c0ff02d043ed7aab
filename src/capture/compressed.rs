//! Compressed capture files, known by their first bytes.

use std::io::{self, Cursor, Read};

use flate2::read::MultiGzDecoder;

/// The first bytes of a gzip member (RFC 1952 section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The plain bytes of `input`, and by what it was compressed.
///
/// # Errors
/// If the first bytes cannot be read.
pub fn plain<'a, R: Read + 'a>(mut input: R) -> io::Result<(Box<dyn Read + 'a>, Option<&'static str>)> {
    let mut first = Vec::new();
    input.by_ref().take(GZIP.len() as u64).read_to_end(&mut first)?;
    let is_gzip = first == GZIP;
    let whole = Cursor::new(first).chain(input);
    Ok(if is_gzip { (Box::new(MultiGzDecoder::new(whole)), Some("gzip")) } else { (Box::new(whole), None) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn gzip_is_undone_and_plain_bytes_pass() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(b"packets").expect("memory takes it");
        let packed = packed.finish().expect("memory takes it");
        for (bytes, name) in [(packed.as_slice(), Some("gzip")), (b"packets".as_slice(), None)] {
            let (mut reader, compression) = plain(bytes).expect("it can be read");
            let mut text = String::new();
            reader.read_to_string(&mut text).expect("it is text");
            assert_eq!((text.as_str(), compression), ("packets", name));
        }
    }
}
