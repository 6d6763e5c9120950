//! A PNG writer with stored (uncompressed) data: enough to look at pictures.

use std::path::Path;

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

fn adler(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1u32, 0u32);
    for &byte in bytes {
        a = (a + u32::from(byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    b << 16 | a
}

fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    out.extend((data.len() as u32).to_be_bytes());
    let start = out.len();
    out.extend(kind);
    out.extend(data);
    let sum = crc(&out[start..]);
    out.extend(sum.to_be_bytes());
}

/// Writes RGB8 pixels, row-major, to `path`.
pub(crate) fn write(path: &Path, width: usize, height: usize, rgb: &[u8]) -> Result<(), String> {
    let mut raw = Vec::with_capacity(rgb.len() + height);
    for row in rgb.chunks(width * 3) {
        raw.push(0);
        raw.extend(row);
    }
    let mut data = vec![0x78, 0x01];
    let count = raw.chunks(65_535).count();
    for (i, block) in raw.chunks(65_535).enumerate() {
        data.push(u8::from(i + 1 == count));
        let size = block.len() as u16;
        data.extend(size.to_le_bytes());
        data.extend((!size).to_le_bytes());
        data.extend(block);
    }
    data.extend(adler(&raw).to_be_bytes());
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = Vec::new();
    head.extend((width as u32).to_be_bytes());
    head.extend((height as u32).to_be_bytes());
    head.extend([8, 2, 0, 0, 0]);
    chunk(&mut out, b"IHDR", &head);
    chunk(&mut out, b"IDAT", &data);
    chunk(&mut out, b"IEND", &[]);
    std::fs::write(path, out).map_err(|e| format!("cannot write {}: {e}", path.display()))
}
