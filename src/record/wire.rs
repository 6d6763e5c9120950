//! MCAP's records, taken apart without trusting a single length.
//!
//! The `mcap` crate writes our files; it is not used to read them, because its parsers allocate
//! and subtract by lengths found in the file and panic on crafted ones.

use std::collections::BTreeMap;

pub(super) const MAGIC: [u8; 8] = [0x89, b'M', b'C', b'A', b'P', b'0', b'\r', b'\n'];

/// Opcode and length in front of every record.
pub(super) const RECORD_HEAD: usize = 9;

pub(super) mod op {
    pub(crate) const FOOTER: u8 = 0x02;
    pub(crate) const SCHEMA: u8 = 0x03;
    pub(crate) const CHANNEL: u8 = 0x04;
    pub(crate) const MESSAGE: u8 = 0x05;
    pub(crate) const CHUNK: u8 = 0x06;
    pub(crate) const ATTACHMENT: u8 = 0x09;
    pub(crate) const METADATA: u8 = 0x0c;
    pub(crate) const DATA_END: u8 = 0x0f;
}

/// Reads fields off the front; every method gives `None` when the bytes do not suffice.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn bytes(&mut self, len: u64) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(head)
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        let len = self.u32()?;
        std::str::from_utf8(self.bytes(len.into())?).ok()
    }

    pub(super) fn map(&mut self) -> Option<BTreeMap<String, String>> {
        let len = self.u32()?;
        let mut inner = Fields(self.bytes(len.into())?);
        let mut map = BTreeMap::new();
        while !inner.0.is_empty() {
            let key = inner.text()?;
            map.insert(key.to_owned(), inner.text()?.to_owned());
        }
        Some(map)
    }

    /// Opcode and length of the record that starts here.
    pub(super) fn record_head(&mut self) -> Option<(u8, u64)> {
        let [opcode] = self.array()?;
        Some((opcode, self.u64()?))
    }
}

/// A chunk's own header, and the records it carries.
pub(super) struct Chunk<'a> {
    pub(super) crc: u32,
    pub(super) compression: &'a str,
    /// Bytes of records it should carry; fewer follow in a file that was cut off.
    pub(super) records_len: u64,
    /// What follows the header.
    pub(super) records: &'a [u8],
}

pub(super) fn chunk(body: &[u8]) -> Option<Chunk<'_>> {
    let mut f = Fields(body);
    let (_start, _end, _uncompressed) = (f.u64()?, f.u64()?, f.u64()?);
    Some(Chunk { crc: f.u32()?, compression: f.text()?, records_len: f.u64()?, records: f.0 })
}

pub(super) struct Message<'a> {
    pub(super) channel: u16,
    pub(super) sequence: u32,
    pub(super) log_time_ns: u64,
    pub(super) publish_time_ns: u64,
    pub(super) data: &'a [u8],
}

pub(super) fn message(body: &[u8]) -> Option<Message<'_>> {
    let mut f = Fields(body);
    Some(Message {
        channel: f.u16()?,
        sequence: f.u32()?,
        log_time_ns: f.u64()?,
        publish_time_ns: f.u64()?,
        data: f.0,
    })
}

/// Schema id and name.
pub(super) fn schema(body: &[u8]) -> Option<(u16, &str)> {
    let mut f = Fields(body);
    Some((f.u16()?, f.text()?))
}

pub(super) struct Channel<'a> {
    pub(super) id: u16,
    pub(super) schema: u16,
    pub(super) topic: &'a str,
    pub(super) encoding: &'a str,
}

pub(super) fn channel(body: &[u8]) -> Option<Channel<'_>> {
    let mut f = Fields(body);
    Some(Channel { id: f.u16()?, schema: f.u16()?, topic: f.text()?, encoding: f.text()? })
}

pub(super) fn metadata(body: &[u8]) -> Option<(&str, BTreeMap<String, String>)> {
    let mut f = Fields(body);
    Some((f.text()?, f.map()?))
}

pub(super) struct Attached<'a> {
    pub(super) log_time_ns: u64,
    pub(super) name: &'a str,
    pub(super) media_type: &'a str,
    pub(super) data: &'a [u8],
}

/// An attachment whose checksum, if it has one, is right.
pub(super) fn attachment(body: &[u8]) -> Option<Attached<'_>> {
    let mut f = Fields(body);
    let (log_time_ns, _created) = (f.u64()?, f.u64()?);
    let (name, media_type) = (f.text()?, f.text()?);
    let len = f.u64()?;
    let data = f.bytes(len)?;
    let summed = body.len().checked_sub(f.0.len())?;
    let crc = f.u32()?;
    (crc == 0 || crc == crc32fast::hash(body.get(..summed)?)).then_some(Attached { log_time_ns, name, media_type, data })
}
