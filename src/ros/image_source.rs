//! Camera pictures off the network.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ros2_client::{Gid, MessageTypeName, ReadError, Subscription};
use serde::de::DeserializeOwned;

use super::executor::{Worker, block_on_until};
use super::messages::{CompressedImage, Image, Time};
use super::node::SENSOR_QOS;
use super::pixels::{picture_from_compressed, picture_from_image};
use super::slot::{Slot, Taken};
use super::{ImageTransport, RosError, RosNode};
use crate::camera::{FrameSource, Next, SourceError};
use crate::frame::{Picture, RawFrame, SourceStamp};

/// Pictures from a ROS topic. Only the newest is kept; the sequence numbers tell of the others.
///
/// A picture is taken apart when it is asked for, on the thread that asks.
pub struct RosImageSource {
    slot: Arc<Slot<Arrival>>,
    topic: String,
    kind: &'static str,
    domain_id: u16,
    malformed: u64,
    size: Option<(u32, u32)>,
    // The thread holds the subscription and the node: it ends before they may go.
    _reader: Worker,
}

struct Arrival {
    seq: u64,
    message: Message,
}

enum Message {
    Raw(Image),
    Compressed(CompressedImage),
    Unreadable(String),
}

impl RosImageSource {
    pub(super) fn open(node: &RosNode) -> Result<Self, RosError> {
        let topic = node.options().resolve_image_topic()?;
        let slot = Arc::new(Slot::new());
        let (kind, reader) = match node.options().image_transport {
            ImageTransport::Raw => ("Image", read_in_background(node, &topic, "Image", Message::Raw, &slot)?),
            ImageTransport::Compressed => {
                ("CompressedImage", read_in_background(node, &topic, "CompressedImage", Message::Compressed, &slot)?)
            }
        };
        Ok(Self { slot, topic, kind, domain_id: node.domain_id(), malformed: 0, size: None, _reader: reader })
    }

    /// How many messages could not be used so far.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.malformed
    }

    /// Full name of the topic.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }
}

impl FrameSource for RosImageSource {
    fn next(&mut self, wait: Duration) -> Result<Next, SourceError> {
        let Arrival { seq, message } = match self.slot.take(wait) {
            Taken::Value(arrival) => arrival,
            Taken::Nothing => return Ok(Next::Nothing),
            Taken::Ended(reason) => {
                return Err(SourceError::Stream(format!(
                    "ROS topic {} cannot be read any more: {reason}; start the program anew",
                    self.topic
                )));
            }
        };
        match frame(seq, message) {
            Ok(frame) => {
                self.size = Some((frame.picture.width(), frame.picture.height()));
                Ok(Next::Frame(frame))
            }
            Err(reason) => {
                self.malformed = self.malformed.saturating_add(1);
                Err(SourceError::BadFrame { seq, reason })
            }
        }
    }

    fn describe(&self) -> String {
        let Self { topic, kind, domain_id, .. } = self;
        match self.size {
            Some((width, height)) => {
                format!("ROS topic {topic} ({kind}, {width}x{height}) in domain {domain_id}")
            }
            None => format!("ROS topic {topic} ({kind}, nothing received yet) in domain {domain_id}"),
        }
    }
}

fn read_in_background<M: DeserializeOwned + Send + 'static>(
    node: &RosNode,
    topic: &str,
    type_name: &'static str,
    wrap: fn(M) -> Message,
    slot: &Arc<Slot<Arrival>>,
) -> Result<Worker, RosError> {
    let subscription = node.subscribe::<M>(topic, MessageTypeName::new("sensor_msgs", type_name), SENSOR_QOS)?;
    let (node, topic, slot) = (node.clone(), topic.to_owned(), Arc::clone(slot));
    Worker::start("pilotage-image", move |stop| {
        // Also told when the thread panics, so that nobody waits for pictures for ever.
        let slot = EndOnDrop(slot);
        if let Err(reason) = read(&subscription, wrap, &slot.0, stop, &topic) {
            slot.0.end(&reason);
        }
        drop(subscription);
        drop(node);
    })
}

struct EndOnDrop(Arc<Slot<Arrival>>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end("its reader has stopped");
    }
}

fn read<M: DeserializeOwned + 'static>(
    subscription: &Subscription<M>,
    wrap: fn(M) -> Message,
    slot: &Slot<Arrival>,
    stop: &AtomicBool,
    topic: &str,
) -> Result<(), String> {
    let mut counter = Counter::default();
    while let Some(taken) = block_on_until(subscription.async_take(), stop) {
        let (seq, message) = match taken {
            Ok((message, info)) => {
                let (seq, new_sender) = counter.count(info.publisher_gid(), info.sequence_number());
                if new_sender {
                    tracing::warn!(topic, "pictures come from another sender now; two cameras on one topic mix up");
                }
                (seq, wrap(message))
            }
            Err(ReadError::Deserialization { reason }) => (counter.count_unreadable(), Message::Unreadable(reason)),
            Err(error) => return Err(error.to_string()),
        };
        slot.put(Arrival { seq, message });
    }
    Ok(())
}

/// Counts the pictures that were sent, as far as the senders' own numbers tell of those that did
/// not arrive.
#[derive(Default)]
struct Counter {
    next_seq: u64,
    last: Option<(Gid, i64)>,
    unreadable_since: i64,
}

/// A sender's numbers are not trusted beyond this many pictures at once.
const MOST_LOST_AT_ONCE: i64 = 1_000_000;

impl Counter {
    fn count(&mut self, sender: Gid, number: i64) -> (u64, bool) {
        let (advance, new_sender) = match self.last {
            Some((last_sender, last)) if last_sender == sender => {
                // Those that could not be read have been counted already.
                let advance = number.saturating_sub(last).saturating_sub(self.unreadable_since);
                (advance.clamp(1, MOST_LOST_AT_ONCE), false)
            }
            other => (1, other.is_some()),
        };
        self.last = Some((sender, number));
        self.unreadable_since = 0;
        (self.advance(advance), new_sender)
    }

    fn count_unreadable(&mut self) -> u64 {
        self.unreadable_since = self.unreadable_since.saturating_add(1);
        self.advance(1)
    }

    fn advance(&mut self, by: i64) -> u64 {
        self.next_seq = self.next_seq.saturating_add(by.unsigned_abs());
        self.next_seq - 1
    }
}

fn frame(seq: u64, message: Message) -> Result<RawFrame, String> {
    let (stamp, picture, encoded): (Time, Picture, Option<Arc<[u8]>>) = match message {
        Message::Raw(image) => (image.header.stamp, picture_from_image(&image)?, None),
        Message::Compressed(image) => (image.header.stamp, picture_from_compressed(&image)?, Some(image.data.into())),
        Message::Unreadable(reason) => return Err(reason),
    };
    // Without a time of its own the age of a picture cannot be told, and nothing may move by it.
    let captured = match stamp.to_ns() {
        Some(0) => return Err("header.stamp is zero: let the camera driver stamp its pictures".into()),
        Some(ns) => SourceStamp(ns),
        None => return Err(format!("header.stamp has {} nanoseconds, a second or more", stamp.nanosec)),
    };
    Ok(RawFrame { seq, captured, picture, encoded, teleop: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ros::Header;

    fn gid(byte: u8) -> Gid {
        Gid::from([byte; 16])
    }

    #[test]
    fn numbers_count_up_by_one_and_show_what_was_lost() {
        let mut counter = Counter::default();
        assert_eq!(counter.count(gid(1), 40), (0, false));
        assert_eq!(counter.count(gid(1), 41), (1, false));
        assert_eq!(counter.count(gid(1), 44), (4, false));
        assert_eq!(counter.count_unreadable(), 5);
        assert_eq!(counter.count(gid(1), 46), (6, false));
    }

    #[test]
    fn numbers_only_rise_whatever_senders_say() {
        let mut counter = Counter::default();
        let mut last = None;
        for (sender, number) in [(1, 5), (1, 5), (1, 3), (2, 1), (1, i64::MIN), (1, i64::MAX), (2, 0)] {
            let (seq, _) = counter.count(gid(sender), number);
            assert!(last < Some(seq), "{seq} after {last:?}");
            last = Some(seq);
        }
    }

    #[test]
    fn another_sender_on_the_topic_is_noticed() {
        let mut counter = Counter::default();
        assert_eq!(counter.count(gid(1), 7), (0, false));
        assert_eq!(counter.count(gid(2), 900), (1, true));
        assert_eq!(counter.count(gid(2), 901), (2, false));
    }

    fn image(stamp: Time) -> Message {
        let header = Header { stamp, frame_id: "camera".into() };
        let (encoding, data) = ("mono8".to_owned(), vec![3]);
        Message::Raw(Image { header, width: 1, height: 1, step: 1, encoding, data, ..Image::default() })
    }

    #[test]
    fn a_picture_without_a_time_is_not_used() {
        assert!(frame(0, image(Time { sec: 0, nanosec: 0 })).unwrap_err().contains("stamp is zero"));
        assert!(frame(0, image(Time { sec: 1, nanosec: 2_000_000_000 })).unwrap_err().contains("2000000000"));
        let frame = frame(9, image(Time { sec: 2, nanosec: 5 })).unwrap();
        assert_eq!((frame.seq, frame.captured), (9, SourceStamp(2_000_000_005)));
    }

    fn source(slot: &Arc<Slot<Arrival>>) -> RosImageSource {
        let (slot, topic, kind) = (Arc::clone(slot), "/image".to_owned(), "Image");
        let reader = Worker::start("test", |_| {}).unwrap();
        RosImageSource { slot, topic, kind, domain_id: 0, malformed: 0, size: None, _reader: reader }
    }

    #[test]
    fn a_message_that_cannot_be_used_is_counted_and_the_next_one_is_used() {
        let slot = Arc::new(Slot::new());
        let mut source = source(&slot);
        slot.put(Arrival { seq: 4, message: Message::Unreadable("cut off".into()) });
        let error = source.next(Duration::ZERO).unwrap_err();
        assert!(matches!(&error, SourceError::BadFrame { seq: 4, reason } if reason == "cut off"), "{error}");
        assert_eq!(source.malformed(), 1);
        assert!(matches!(source.next(Duration::ZERO), Ok(Next::Nothing)));
        slot.put(Arrival { seq: 5, message: image(Time { sec: 2, nanosec: 5 }) });
        let Ok(Next::Frame(frame)) = source.next(Duration::ZERO) else { panic!("no frame") };
        assert_eq!((frame.seq, frame.picture.rgb()), (5, [3, 3, 3].as_slice()));
        assert_eq!(source.malformed(), 1);
        assert_eq!(source.describe(), "ROS topic /image (Image, 1x1) in domain 0");
    }

    #[test]
    fn a_reader_that_stopped_is_an_error_and_not_silence() {
        let slot = Arc::new(Slot::new());
        let mut source = source(&slot);
        drop(EndOnDrop(Arc::clone(&slot)));
        for _ in 0..2 {
            let error = source.next(Duration::from_secs(3600)).unwrap_err();
            assert!(matches!(&error, SourceError::Stream(text) if text.contains("/image")), "{error}");
        }
    }
}
