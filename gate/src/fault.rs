//! Faults that the rest of the runtime reports to the gate, each of one class.

use core::fmt;

/// What a fault does to the robot. An operator's override is not a fault but a
/// [`Mode`](crate::Mode).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultClass {
    /// A standing robot does not start; a moving one drives on.
    NeverStart,
    /// The robot slows down within its limits, then stands.
    SlowStop,
    /// Zero, in the same step.
    StopNow,
}

/// A named fault. The order of the variants is the order in which they are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Fault {
    /// Frames keep coming but the picture, or its stamp, no longer changes.
    CameraFrozen = 0x001,
    /// Something stands in the stop zone of a range sensor.
    Obstacle = 0x002,
    /// The sign of life of a remote stop button or operator station is missing.
    HeartbeatLost = 0x004,
    /// The model answered something that is no answer: wrong shape, wrong length, not finite.
    PolicyFailed = 0x008,
    /// The last command could not be handed to the robot.
    SinkFailed = 0x010,
    /// The battery is too low to go on.
    BatteryLow = 0x020,
    /// The computer or a motor is too hot to go on.
    Overheated = 0x040,
    /// Somebody else publishes commands to this robot.
    ForeignPublisher = 0x080,
    /// Not everything that the configuration asks for is up.
    NotReady = 0x100,
    /// There is no room left for the flight recorder.
    StorageLow = 0x200,
}

impl Fault {
    /// All faults, in the order in which they are reported.
    pub const ALL: [Self; 10] = [
        Self::CameraFrozen,
        Self::Obstacle,
        Self::HeartbeatLost,
        Self::PolicyFailed,
        Self::SinkFailed,
        Self::BatteryLow,
        Self::Overheated,
        Self::ForeignPublisher,
        Self::NotReady,
        Self::StorageLow,
    ];

    /// What this fault does to the robot.
    #[must_use]
    pub const fn class(self) -> FaultClass {
        match self {
            Self::CameraFrozen | Self::Obstacle | Self::HeartbeatLost | Self::PolicyFailed | Self::SinkFailed => {
                FaultClass::StopNow
            }
            Self::BatteryLow | Self::Overheated => FaultClass::SlowStop,
            Self::ForeignPublisher | Self::NotReady | Self::StorageLow => FaultClass::NeverStart,
        }
    }

    /// A short text for a person: "camera frozen".
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::CameraFrozen => "camera frozen",
            Self::Obstacle => "obstacle in the stop zone",
            Self::HeartbeatLost => "heartbeat lost",
            Self::PolicyFailed => "policy failed",
            Self::SinkFailed => "command not delivered",
            Self::BatteryLow => "battery low",
            Self::Overheated => "overheated",
            Self::ForeignPublisher => "another publisher of commands",
            Self::NotReady => "not ready",
            Self::StorageLow => "storage low",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// A set of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Faults(u16);

impl Faults {
    /// No fault.
    pub const NONE: Self = Self(0);

    /// This set and `fault`.
    #[must_use]
    pub const fn with(self, fault: Fault) -> Self {
        Self(self.0 | fault as u16)
    }

    /// This set without `fault`.
    #[must_use]
    pub const fn without(self, fault: Fault) -> Self {
        Self(self.0 & !(fault as u16))
    }

    /// Everything in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `fault` is in the set.
    #[must_use]
    pub const fn contains(self, fault: Fault) -> bool {
        self.0 & fault as u16 != 0
    }

    /// Whether no fault is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The faults in the set, in the order of [`Fault::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Fault> {
        Fault::ALL.into_iter().filter(move |fault| self.contains(*fault))
    }

    /// The first fault of a class.
    #[must_use]
    pub fn first(self, class: FaultClass) -> Option<Fault> {
        self.iter().find(|fault| fault.class() == class)
    }
}
