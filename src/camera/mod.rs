//! Where frames come from: the port [`FrameSource`] and its implementations.

pub mod decode;
#[cfg(feature = "camera")]
pub mod nokhwa;
pub mod replay;
pub mod sim;
pub mod sim_body;

#[cfg(feature = "camera")]
pub use self::nokhwa::{CameraOptions, NokhwaSource as CameraSource, ReceiptClock};

use std::time::Duration;

use crate::frame::RawFrame;

/// What a source has to say before a deadline.
#[derive(Debug)]
pub enum Next {
    /// A frame; sequence numbers strictly increase within one source.
    Frame(RawFrame),
    /// Nothing came within the time allowed. Not an error: the gate looks after silence.
    Nothing,
    /// There will never be another frame (the end of a log).
    End,
}

/// Why a source gave no frame.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The source cannot be opened; says what was tried and what to do.
    #[error("{0}")]
    Open(String),
    /// The source failed while streaming.
    #[error("{0}")]
    Stream(String),
    /// A single frame could not be decoded; the source itself goes on.
    #[error("frame {seq} cannot be used: {reason}")]
    BadFrame {
        /// Sequence number of the frame.
        seq: u64,
        /// What is wrong with it.
        reason: String,
    },
}

/// Where frames come from: a camera, a ROS topic, a log or the simulator.
///
/// Post-conditions of `next`: it returns within `wait` (plus scheduling) unless the driver beneath
/// hangs; sequence numbers strictly increase; after [`Next::End`] it keeps returning `End`;
/// after [`SourceError::BadFrame`] the next call goes on with the frame after it.
pub trait FrameSource: Send {
    /// The next frame, or why there is none.
    ///
    /// # Errors
    /// See [`SourceError`].
    fn next(&mut self, wait: Duration) -> Result<Next, SourceError>;

    /// One line for logs and reports: kind, path or topic, size, rate.
    fn describe(&self) -> String;

    /// Whether frames come as fast as they are asked for (a log), so that the runtime has to pace
    /// them by their stamps in real time.
    fn is_log(&self) -> bool {
        false
    }

    /// Where a source makes a frame whenever it is asked (the simulator): how often to ask in real time.
    fn interval(&self) -> Option<Duration> {
        None
    }
}
