//! Names: of the node, its namespace and its topics.
//!
//! The middleware knows neither `~` nor namespaces with a slash in the base name, so names are
//! resolved to absolute ones here, by the rules of ROS 2.

use super::RosError;

/// Put behind the command topic when commands must not reach a robot.
pub const DRY_RUN_SUFFIX: &str = "_dry_run";

/// Longest accepted full name, bytes; longer ones do not fit into what other ROS 2 nodes accept.
const MAX_NAME_BYTES: usize = 247;

/// How pictures come over the topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImageTransport {
    /// `sensor_msgs/Image` on the topic itself.
    #[default]
    Raw,
    /// `sensor_msgs/CompressedImage` on `TOPIC/compressed`, as `image_transport` names it.
    Compressed,
}

/// What the node and its topics are called. Names are relative (`cmd_vel`), absolute (`/r1/cmd_vel`)
/// or private (`~/state`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosOptions {
    /// Name of the node, without slashes.
    pub node_name: String,
    /// Namespace of the node; `/` or for example `/r1`.
    pub namespace: String,
    /// Topic of the velocity commands.
    pub cmd_vel_topic: String,
    /// Whether commands are `TwistStamped` rather than `Twist` (Nav2 calls it `enable_stamped_cmd_vel`).
    pub stamped: bool,
    /// `frame_id` of stamped commands; the frame of the robot's body.
    pub base_frame: String,
    /// Topic of the pictures, without the suffix of the transport.
    pub image_topic: String,
    /// How pictures come over it.
    pub image_transport: ImageTransport,
}

impl Default for RosOptions {
    fn default() -> Self {
        Self {
            node_name: "pilotage".into(),
            namespace: "/".into(),
            cmd_vel_topic: "cmd_vel".into(),
            stamped: false,
            base_frame: "base_link".into(),
            image_topic: "image".into(),
            image_transport: ImageTransport::Raw,
        }
    }
}

impl RosOptions {
    /// The same, but commands go where no robot listens: `cmd_vel` becomes `cmd_vel_dry_run`.
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        if !self.cmd_vel_topic.ends_with(DRY_RUN_SUFFIX) {
            self.cmd_vel_topic.push_str(DRY_RUN_SUFFIX);
        }
        self
    }

    /// The node's full name, for example `/r1/pilotage`.
    ///
    /// # Errors
    /// [`RosError::Name`] when the node's name or namespace breaks the rules.
    pub fn full_node_name(&self) -> Result<String, RosError> {
        let bad = |what, name: &str, reason: String| RosError::Name { what, name: name.to_owned(), reason };
        check_token(&self.node_name).map_err(|reason| bad("node name", &self.node_name, reason))?;
        if self.namespace == "/" {
            return Ok(format!("/{}", self.node_name));
        }
        check_absolute(&self.namespace).map_err(|reason| bad("namespace", &self.namespace, reason))?;
        Ok(format!("{}/{}", self.namespace, self.node_name))
    }

    /// The absolute name of a topic as this node sees it.
    ///
    /// # Errors
    /// [`RosError::Name`] when the topic, the node's name or its namespace breaks the rules.
    pub fn resolve(&self, topic: &str) -> Result<String, RosError> {
        let node = self.full_node_name()?;
        let name = if topic.starts_with('/') {
            topic.to_owned()
        } else if let Some(private) = topic.strip_prefix("~/") {
            format!("{node}/{private}")
        } else if self.namespace == "/" {
            format!("/{topic}")
        } else {
            format!("{}/{topic}", self.namespace)
        };
        match check_absolute(&name) {
            Ok(()) => Ok(name),
            Err(reason) => Err(RosError::Name { what: "topic", name, reason }),
        }
    }

    /// The absolute name of the picture topic, with the suffix of the transport.
    ///
    /// # Errors
    /// [`RosError::Name`] when a name breaks the rules.
    pub fn resolve_image_topic(&self) -> Result<String, RosError> {
        let topic = self.resolve(&self.image_topic)?;
        Ok(match self.image_transport {
            ImageTransport::Compressed if !topic.ends_with("/compressed") => format!("{topic}/compressed"),
            _ => topic,
        })
    }
}

/// Splits an absolute name into what the middleware wants: the part before the last slash (at
/// least `/`) and the part behind it.
pub(super) fn split_absolute(name: &str) -> (&str, &str) {
    match name.rsplit_once('/') {
        Some(("", base)) => ("/", base),
        Some(parts) => parts,
        None => ("/", name),
    }
}

fn check_absolute(name: &str) -> Result<(), String> {
    if name.len() > MAX_NAME_BYTES {
        return Err(format!("it has {} bytes, at most {MAX_NAME_BYTES} are allowed", name.len()));
    }
    let tokens = name.strip_prefix('/').ok_or("it does not start with '/'")?;
    tokens.split('/').try_for_each(check_token)
}

fn check_token(token: &str) -> Result<(), String> {
    let Some(first) = token.chars().next() else {
        return Err("a part of it is empty".into());
    };
    if first.is_ascii_digit() {
        return Err(format!("the part {token:?} starts with a digit"));
    }
    if let Some(bad) = token.chars().find(|c| !(c.is_ascii_alphanumeric() || *c == '_')) {
        return Err(format!("it holds the character {bad:?}"));
    }
    if token.contains("__") {
        return Err(format!("the part {token:?} holds two underscores in a row"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_namespace(namespace: &str) -> RosOptions {
        RosOptions { namespace: namespace.into(), ..RosOptions::default() }
    }

    #[test]
    fn names_are_resolved_as_ros_does() {
        let cases = [
            ("/", "cmd_vel", "/cmd_vel"),
            ("/r1", "cmd_vel", "/r1/cmd_vel"),
            ("/r1", "/cmd_vel", "/cmd_vel"),
            ("/", "~/state", "/pilotage/state"),
            ("/a/b", "~/state", "/a/b/pilotage/state"),
            ("/r1", "camera/image_raw/compressed", "/r1/camera/image_raw/compressed"),
        ];
        for (namespace, topic, expected) in cases {
            assert_eq!(in_namespace(namespace).resolve(topic).unwrap(), expected);
        }
        assert_eq!(split_absolute("/r1/camera/image"), ("/r1/camera", "image"));
        assert_eq!(split_absolute("/image"), ("/", "image"));
    }

    #[test]
    fn a_name_that_ros_would_refuse_is_refused_with_the_name_in_the_message() {
        for topic in ["", "/", "a//b", "a/", "1a", "a b", "a__b", "~", "~x", "é", "{node}/x", "a/~/b"] {
            let error = RosOptions::default().resolve(topic).unwrap_err();
            assert!(matches!(&error, RosError::Name { what: "topic", .. }), "{topic:?}: {error}");
            assert!(error.to_string().contains(topic), "{error}");
        }
        assert!(RosOptions::default().resolve(&"a".repeat(300)).is_err());
        for namespace in ["", "r1", "/r1/", "//", "/1"] {
            let error = in_namespace(namespace).full_node_name().unwrap_err();
            assert!(matches!(&error, RosError::Name { what: "namespace", .. }), "{namespace:?}: {error}");
        }
        let node_name = "a/b".to_owned();
        let error = RosOptions { node_name, ..RosOptions::default() }.full_node_name().unwrap_err();
        assert!(matches!(&error, RosError::Name { what: "node name", .. }), "{error}");
    }

    #[test]
    fn the_compressed_transport_adds_its_suffix_once() {
        let mut options = RosOptions { image_topic: "cam/image_raw".into(), ..RosOptions::default() };
        assert_eq!(options.resolve_image_topic().unwrap(), "/cam/image_raw");
        options.image_transport = ImageTransport::Compressed;
        assert_eq!(options.resolve_image_topic().unwrap(), "/cam/image_raw/compressed");
        options.image_topic = "cam/image_raw/compressed".into();
        assert_eq!(options.resolve_image_topic().unwrap(), "/cam/image_raw/compressed");
    }

    #[test]
    fn a_dry_run_never_uses_the_command_topic() {
        let options = RosOptions::default().dry_run();
        assert_eq!(options.cmd_vel_topic, "cmd_vel_dry_run");
        assert_eq!(options.clone().dry_run(), options);
    }
}
