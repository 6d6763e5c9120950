//! `traj_data.pkl`: the one pickle we write. No pickle is ever read in Rust.
//!
//! A pickle is a small program for a stack machine. Ours (protocol 3, for Python 3) makes a dict of two float64 arrays,
//! `position` of shape (T, 2) in metres and `yaw` of shape (T,) in radians, and every version of numpy since 1.x loads it
//! by `pickle.load`. The names called are the ones that numpy 1 and 2 both know.

use super::poses::Pose;

const PROTO: u8 = 0x80;
const GLOBAL: u8 = b'c';
const MARK: u8 = b'(';
const TUPLE: u8 = b't';
const TUPLE1: u8 = 0x85;
const TUPLE3: u8 = 0x87;
const REDUCE: u8 = b'R';
const BUILD: u8 = b'b';
const BININT: u8 = b'J';
const BININT1: u8 = b'K';
const NONE: u8 = b'N';
const NEWTRUE: u8 = 0x88;
const NEWFALSE: u8 = 0x89;
const BINUNICODE: u8 = b'X';
const BINBYTES: u8 = b'B';
const SHORT_BINBYTES: u8 = b'C';
const EMPTY_DICT: u8 = b'}';
const SETITEMS: u8 = b'u';
const STOP: u8 = b'.';

/// Bytes of `traj_data.pkl` for a trajectory of at most `i32::MAX / 16` poses (four orders beyond any log we read).
#[must_use]
pub fn traj_data(poses: &[Pose]) -> Vec<u8> {
    let mut out = Writer(vec![PROTO, 3, EMPTY_DICT, MARK]);
    let rows = poses.len() as i32;
    out.text("position");
    out.array(&[rows, 2], poses.iter().flat_map(|pose| [pose.x_m, pose.y_m]));
    out.text("yaw");
    out.array(&[rows], poses.iter().map(|pose| pose.yaw_rad));
    out.0.extend([SETITEMS, STOP]);
    out.0
}

struct Writer(Vec<u8>);

impl Writer {
    fn global(&mut self, module: &str, name: &str) {
        self.0.push(GLOBAL);
        self.0.extend(format!("{module}\n{name}\n").bytes());
    }

    fn text(&mut self, text: &str) {
        self.0.push(BINUNICODE);
        self.0.extend((text.len() as u32).to_le_bytes());
        self.0.extend(text.bytes());
    }

    fn int(&mut self, value: i32) {
        self.0.push(BININT);
        self.0.extend(value.to_le_bytes());
    }

    /// A C-ordered float64 array: an empty one is made, then told its version, shape, type, order and bytes.
    fn array(&mut self, shape: &[i32], values: impl Iterator<Item = f64>) {
        self.global("numpy.core.multiarray", "_reconstruct");
        self.0.push(MARK);
        self.global("numpy", "ndarray");
        self.0.extend([BININT1, 0, TUPLE1, SHORT_BINBYTES, 1, b'b', TUPLE, REDUCE]);
        self.0.extend([MARK, BININT1, 1, MARK]);
        for &side in shape {
            self.int(side);
        }
        self.0.push(TUPLE);
        self.float64();
        self.0.push(NEWFALSE);
        let bytes: Vec<u8> = values.flat_map(f64::to_le_bytes).collect();
        self.0.push(BINBYTES);
        self.0.extend((bytes.len() as u32).to_le_bytes());
        self.0.extend(bytes);
        self.0.extend([TUPLE, BUILD]);
    }

    /// numpy's little-endian float64.
    fn float64(&mut self) {
        self.global("numpy", "dtype");
        self.text("f8");
        self.0.extend([NEWFALSE, NEWTRUE, TUPLE3, REDUCE, MARK, BININT1, 3]);
        self.text("<");
        self.0.extend([NONE, NONE, NONE]);
        self.int(-1);
        self.int(-1);
        self.0.extend([BININT1, 0, TUPLE, BUILD]);
    }
}
