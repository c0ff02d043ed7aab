//! Captures that were compressed. The samples are what the usual programs make of one capture.

use std::io::Write;

use super::*;

/// A classic capture of three packets of 60 bytes, a second apart.
fn capture() -> Vec<u8> {
    let record = |index: u8| LITTLE.record(1_239_400_863 + u32::from(index), u32::from(index), 60, &[index; 60]);
    [LITTLE.header(MICRO, (2, 4), 1), record(0), record(1), record(2)].concat()
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(plain).expect("memory takes it");
    packed.finish().expect("memory takes it")
}

/// The capture by each program: name and bytes.
fn packed() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("gzip", gzip(&capture())),
        (
            "zstd",
            bytes(
                "28b52ffd0458d501005402d4c3b2a102000400ffff0000010000009fc1df49000000003ca0c1df490101a1c1df4902020700c0a57882a1c0257b\
                 82f101d2dee545002e725d0950",
            ),
        ),
        (
            "lz4",
            bytes(
                "04224d186440a74700000084d4c3b2a1020004000100c0ffff0000010000009fc1df491400133c04000f02002940a0c1df495400044c001f0101\
                 002853a1c1df490294000050001f0201002350020202020200000000301a8ad3",
            ),
        ),
        #[cfg(feature = "xz")]
        (
            "xz",
            bytes(
                "fd377a585a000004e6d6b4460200210116000000742fe5a3e000fb002d5d006a30d1c87d8bf8099bad944b8af3488696ede83bf73dea512e85a4\
                 d9f2f700132df1dd55fd1e8a33207e05cd200000000026e5ab43e97de6de000149fc0100000040557adeb1c467fb020000000004595a",
            ),
        ),
    ]
}

/// What comes out until the end, how it ended, and by what it was compressed.
fn unpack(packed: impl Read) -> (Vec<u8>, Result<(), String>, Option<&'static str>) {
    let (mut reader, name) = match compressed::plain(packed) {
        Ok(opened) => opened,
        Err(error) => return (Vec::new(), Err(error.to_string()), None),
    };
    let (mut plain, mut piece) = (Vec::new(), [0; 1000]);
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return (plain, Ok(()), name),
            Ok(count) => plain.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (plain, Err(error.to_string()), name),
        }
    }
}

/// A frame for others, which decoders of Zstandard and LZ4 pass over.
const SKIPPABLE: &[u8] = b"\x5a\x2a\x4d\x18\x05\0\0\0hello";

#[test]
fn what_was_compressed_comes_out_whole_and_in_pieces() {
    for (name, packed) in packed() {
        assert_eq!(unpack(&packed[..]), (capture(), Ok(()), Some(name)));
        assert_eq!(unpack(Dripping(&packed, false)), (capture(), Ok(()), Some(name)));
    }
    assert_eq!(unpack(&capture()[..]), (capture(), Ok(()), None));
    assert_eq!(unpack(Dripping(&capture(), false)), (capture(), Ok(()), None));
}

#[test]
fn frames_of_any_kind_follow_each_other_with_others_and_zeros_between() {
    let (mut all, mut expected) = (SKIPPABLE.to_vec(), Vec::new());
    for (_, packed) in packed() {
        for _ in 0..3 {
            all.extend_from_slice(&packed);
            all.extend_from_slice(SKIPPABLE);
            expected.extend(capture());
        }
        all.extend([0; 512]);
    }
    assert_eq!(unpack(&all[..]), (expected, Ok(()), Some("gzip")));
}

#[test]
fn a_cut_anywhere_gives_what_could_be_unpacked_and_says_that_it_is_cut() {
    for (name, packed) in packed() {
        let twice = packed.repeat(2);
        for length in 6..twice.len() {
            let (plain, end, _) = unpack(&twice[..length]);
            assert!(capture().repeat(2).starts_with(&plain), "{name} {length}");
            if length >= packed.len() {
                assert!(plain.len() >= capture().len(), "{name} {length}: the first frame is there");
            }
            let is_between = length == packed.len();
            // Less than a magic number behind a frame is no frame.
            let is_told = end.is_err_and(|error| error.contains("cut") || error.contains("compressed data"));
            assert_eq!(is_told, !is_between, "{name} {length}");
        }
    }
}

#[test]
fn a_cut_file_is_analysed_up_to_the_cut() {
    for (name, packed) in packed() {
        let file = [&packed[..], &packed[..packed.len() / 2]].concat();
        let (plain, _) = compressed::plain(&file[..]).expect("it begins well");
        let (seen, reader) = read_all(CaptureReader::open(plain).expect("a capture"));
        assert!(frames(&seen).starts_with(&[1, 2, 3]), "{name}");
        assert!(
            reader.facts().truncated && reader.warnings().iter().any(|warning| warning.text.contains("compressed")),
            "{name}"
        );
    }
}

#[test]
fn damage_is_told_and_what_came_before_it_holds() {
    // Behind the headers of frames, ones are a block of a kind or a length that cannot be.
    for ((name, packed), header) in packed().into_iter().zip([10, 6, 7, 12]) {
        let file = [&packed[..], &packed[..header], &[0xff; 2000]].concat();
        let (plain, _) = compressed::plain(&file[..]).expect("it begins well");
        let (seen, reader) = read_all(CaptureReader::open(plain).expect("a capture"));
        assert!(frames(&seen).starts_with(&[1, 2, 3]), "{name}");
        assert!(reader.facts().truncated, "{name}");
        let told = reader.warnings().iter().any(|warning| warning.text.contains("compressed file is damaged"));
        assert!(told, "{name}: {:?}", reader.warnings());
    }
}

#[test]
fn of_a_file_that_is_damaged_from_its_begin_nothing_is_made_up() {
    let (_, packed) = packed().remove(1);
    let error = match compressed::plain(&packed[..5]) {
        Ok((plain, _)) => CaptureReader::open(plain).err().expect("nothing is there").to_string(),
        Err(error) => error.to_string(),
    };
    assert!(error.contains("compressed data is cut, before the first packet"), "{error}");
}

#[test]
fn a_wrong_checksum_is_damage() {
    for (name, mut packed) in packed() {
        // LZ4 and Zstandard end in the sum, gzip in the length behind it, xz in its magic behind an index.
        let at = packed.len() - if name == "xz" { 40 } else { 5 };
        let at = if matches!(name, "lz4" | "zstd") { packed.len() - 1 } else { at };
        packed[at] ^= 0xff;
        let (_, end, _) = unpack(&packed[..]);
        assert!(end.is_err_and(|error| error.contains("damaged")), "{name}");
    }
}

#[test]
fn windows_beyond_the_bound_are_refused_before_memory_is_taken() {
    // No length of the content; a window of 2 to the power of 31 bytes; one raw block of one byte, the last.
    let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x09, 0, 0, b'x'];
    let (_, end, _) = unpack(&zstd[..]);
    assert!(end.is_err_and(|error| error.contains("damaged") && error.contains("indow")));
    let usual = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 13 << 3, 0x09, 0, 0, b'x'];
    assert_eq!(unpack(&usual[..]), (b"x".to_vec(), Ok(()), Some("zstd")));
}

#[test]
#[cfg(feature = "xz")]
fn dictionaries_beyond_the_bound_are_refused_before_memory_is_taken() {
    let (_, mut xz) = packed().remove(3);
    // The block header: size, flags, filter, length of its property, dictionary size 4 GiB - 1, padding, CRC.
    assert_eq!(xz[12..17], [2, 0, 0x21, 1, 0x16]);
    xz[16] = 40;
    let mut crc = flate2::Crc::new();
    crc.update(&xz[12..20]);
    xz[20..24].copy_from_slice(&crc.sum().to_le_bytes());
    let (_, end, _) = unpack(&xz[..]);
    assert!(end.is_err_and(|error| error.contains("memory")));
}

#[test]
fn the_disk_behind_compressed_data_may_fail() {
    struct Failing(Vec<u8>);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() { Err(io::Error::other("bad sector")) } else { (&*std::mem::take(&mut self.0)).read(buffer) }
        }
    }
    for (name, packed) in packed() {
        let (_, end, _) = unpack(Failing(packed[..packed.len() - 10].to_vec()));
        assert!(end.is_err_and(|error| error.contains("bad sector")), "{name}");
    }
}

#[test]
fn reading_that_is_stopped_keeps_what_was_read() {
    struct Stopped(Vec<u8>);
    impl Read for Stopped {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(stopped());
            }
            let count = self.0.as_slice().read(buffer)?;
            self.0.drain(..count);
            Ok(count)
        }
    }
    let whole = capture();
    for (input, expected) in [(&whole[..], 3), (&whole[..whole.len() - 10], 2), (&gzip(&whole)[..], 3)] {
        let (plain, _) = compressed::plain(Stopped(input.to_vec())).expect("it begins well");
        let (seen, reader) = read_all(CaptureReader::open(plain).expect("a capture"));
        assert_eq!(seen.len(), expected);
        assert!(!reader.facts().truncated, "the file may be whole");
        assert!(reader.warnings()[0].text.contains(&format!("stopped after frame {expected}")), "{:?}", reader.warnings());
    }
    let error = compressed::plain(Stopped(Vec::new())).err().expect("nothing came");
    assert!(error.to_string().contains("stopped before the first packet"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_the_compressed_bytes_unpacking_ends(
        kind in 0..4_usize,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let Some((_, mut packed)) = packed().into_iter().nth(kind) else { return Ok(()) };
        for (index, value) in flips {
            let at = index.index(packed.len());
            packed[at] = value;
        }
        let (whole, end, name) = unpack(&packed[..]);
        let (dripped, end_dripped, name_dripped) = unpack(Dripping(&packed, false));
        prop_assert_eq!((end_dripped, name_dripped), (end, name));
        // What the decoder made in the call that failed is lost; in pieces, that is less.
        prop_assert!(dripped.starts_with(&whole));
    }
}
