//! What the channels' bytes mean, in the words of the tools that open a recording.

use super::ItemKind;

/// Schema name, schema encoding and message encoding of an item kind, as MCAP's registry names them.
pub(super) struct Schema {
    pub(super) name: String,
    pub(super) encoding: &'static str,
    pub(super) text: String,
    pub(super) message_encoding: &'static str,
}

const HEADER_AND_TIME: &str = "\
================================================================================
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
================================================================================
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
";

const IMAGE: &str = "\
std_msgs/Header header
uint32 height
uint32 width
string encoding
uint8 is_bigendian
uint32 step
uint8[] data
";

const COMPRESSED_IMAGE: &str = "\
std_msgs/Header header
string format
uint8[] data
";

pub(super) const IMAGE_NAME: &str = "sensor_msgs/msg/Image";
pub(super) const COMPRESSED_IMAGE_NAME: &str = "sensor_msgs/msg/CompressedImage";

/// The schema of a channel; `json_schema` replaces "any object" for JSON channels.
pub(super) fn of(channel: &str, kind: ItemKind, json_schema: Option<&str>) -> Schema {
    let ros = |name: &str, text: &str| Schema {
        name: name.to_owned(),
        encoding: "ros2msg",
        text: format!("{text}{HEADER_AND_TIME}"),
        message_encoding: "cdr",
    };
    match kind {
        ItemKind::Json => Schema {
            name: channel.trim_matches('/').replace('/', "."),
            encoding: "jsonschema",
            text: json_schema.unwrap_or(r#"{"type":"object"}"#).to_owned(),
            message_encoding: "json",
        },
        ItemKind::RosImage => ros(IMAGE_NAME, IMAGE),
        ItemKind::RosCompressedImage => ros(COMPRESSED_IMAGE_NAME, COMPRESSED_IMAGE),
    }
}
