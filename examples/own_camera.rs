//! A camera of your own: implement `FrameSource` and the runtime drives by it.
//!
//! This one needs no hardware: it draws a bar that moves to the right. Replace `draw` by a call of
//! your camera's SDK.
//!
//! Run it: `cargo run --example own_camera`

use std::time::Duration;

use pilotage::camera::{FrameSource, Next, SourceError};
use pilotage::frame::{Picture, RawFrame, SourceStamp};

const WIDTH_PX: u32 = 160;
const HEIGHT_PX: u32 = 120;
const PERIOD_NS: i64 = 50_000_000;

struct MovingBar {
    seq: u64,
}

impl MovingBar {
    fn draw(&self) -> Vec<u8> {
        let bar_px = (self.seq * 4) % u64::from(WIDTH_PX);
        let shade = |x: u32| if u64::from(x).abs_diff(bar_px) < 6 { 230 } else { 40 };
        (0..HEIGHT_PX).flat_map(|_| (0..WIDTH_PX).flat_map(|x| [shade(x); 3])).collect()
    }
}

impl FrameSource for MovingBar {
    fn next(&mut self, _wait: Duration) -> Result<Next, SourceError> {
        // Numbers must increase even when a frame fails: the runtime counts the holes.
        let seq = self.seq;
        self.seq += 1;
        let picture = Picture::from_rgb8(WIDTH_PX, HEIGHT_PX, self.draw())
            .map_err(|e| SourceError::BadFrame { seq, reason: e.to_string() })?;
        // Any clock will do, as long as it says when the picture was taken, not when it was delivered.
        let captured = SourceStamp(seq.cast_signed() * PERIOD_NS);
        Ok(Next::Frame(RawFrame { seq, captured, picture, encoded: None, teleop: None }))
    }

    fn describe(&self) -> String {
        format!("moving bar, {WIDTH_PX}x{HEIGHT_PX}, drawn")
    }
}

#[allow(clippy::print_stdout)]
fn main() -> Result<(), SourceError> {
    let mut camera: Box<dyn FrameSource> = Box::new(MovingBar { seq: 0 });
    println!("{}", camera.describe());
    for _ in 0..3 {
        if let Next::Frame(frame) = camera.next(Duration::from_millis(100))? {
            println!("frame {} taken at {} ns: {:?}", frame.seq, frame.captured.0, frame.picture);
        }
    }
    Ok(())
}
