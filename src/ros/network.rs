//! Where ROS traffic may go: the domain, and whether it may leave this computer.
//!
//! The middleware reads no environment by itself, so the variables that every ROS 2 user relies on
//! are read here. Anything that is not a live run never leaves the computer, whatever they say.

use std::net::{IpAddr, Ipv4Addr};

/// Largest domain the port arithmetic of DDS has room for.
pub const MAX_DOMAIN_ID: u16 = 232;

/// Domain of runs that are not live, unless `ROS_DOMAIN_ID` is set.
///
/// Chosen once: away from 0, where robots are unless told otherwise, and below 102, so that its UDP
/// ports (29150 and up) stay clear of the range Linux hands out by itself (32768 and up).
pub const NOT_LIVE_DOMAIN_ID: u16 = 87;

/// Domain of live runs, unless `ROS_DOMAIN_ID` is set: the same as for every ROS 2 node.
const LIVE_DOMAIN_ID: u16 = 0;

/// What the run is for; decides whether traffic may leave this computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A real camera drives a real robot.
    Live,
    /// Simulation, replay or demo: must not move a robot by accident.
    NotLive,
}

/// The domain to use and the interfaces to talk on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    domain_id: u16,
    loopback_only: bool,
    notes: Vec<String>,
}

/// A variable of the environment that cannot be obeyed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Not a domain.
    #[error(
        "ROS_DOMAIN_ID={value:?} is not a domain: set a whole number from 0 to {MAX_DOMAIN_ID} (0 to 101 on Linux), or unset it"
    )]
    Domain {
        /// The value found.
        value: String,
    },
    /// Neither yes nor no.
    #[error("ROS_LOCALHOST_ONLY={value:?} is neither 0 nor 1: set 1 to stay on this computer, or unset it")]
    LocalhostOnly {
        /// The value found.
        value: String,
    },
    /// No known range.
    #[error(
        "ROS_AUTOMATIC_DISCOVERY_RANGE={value:?} is not known: set LOCALHOST to stay on this computer, SUBNET or SYSTEM_DEFAULT to use the network, or unset it"
    )]
    Range {
        /// The value found.
        value: String,
    },
    /// Discovery off cannot be obeyed, and is not silently taken for something else.
    #[error(
        "ROS_AUTOMATIC_DISCOVERY_RANGE=OFF cannot be obeyed, since peers are found by discovery only: set LOCALHOST to stay on this computer, or run without ROS"
    )]
    RangeOff,
}

impl Network {
    /// Reads `ROS_DOMAIN_ID`, `ROS_LOCALHOST_ONLY`, `ROS_AUTOMATIC_DISCOVERY_RANGE` and
    /// `ROS_STATIC_PEERS` by `env`; a variable that is set but empty counts as unset.
    ///
    /// [`Purpose::NotLive`] is always confined to this computer and lives in
    /// [`NOT_LIVE_DOMAIN_ID`] unless `ROS_DOMAIN_ID` is set.
    ///
    /// # Errors
    /// When a variable holds something that cannot be obeyed; nothing is guessed, since a guess
    /// could let commands out onto the network.
    pub fn from_env(env: impl Fn(&str) -> Option<String>, purpose: Purpose) -> Result<Self, NetworkError> {
        let get = |name: &str| env(name).filter(|value| !value.is_empty());
        let domain_id = match (get("ROS_DOMAIN_ID"), purpose) {
            (Some(value), _) => parse_domain(&value)?,
            (None, Purpose::Live) => LIVE_DOMAIN_ID,
            (None, Purpose::NotLive) => NOT_LIVE_DOMAIN_ID,
        };
        let localhost_only = match get("ROS_LOCALHOST_ONLY").as_deref() {
            None | Some("0") => false,
            Some("1") => true,
            Some(value) => return Err(NetworkError::LocalhostOnly { value: value.to_owned() }),
        };
        let range_is_localhost = match get("ROS_AUTOMATIC_DISCOVERY_RANGE").as_deref() {
            None | Some("SUBNET" | "SYSTEM_DEFAULT") => false,
            Some("LOCALHOST") => true,
            Some("OFF") => return Err(NetworkError::RangeOff),
            Some(value) => return Err(NetworkError::Range { value: value.to_owned() }),
        };
        let mut notes = Vec::new();
        if let Some(peers) = get("ROS_STATIC_PEERS") {
            notes.push(format!(
                "ROS_STATIC_PEERS={peers:?} is not supported: only peers that multicast reaches, or on this computer, are found"
            ));
        }
        if domain_id > 101 {
            notes.push(format!(
                "ROS domain {domain_id} is above 101: its UDP ports may collide with those Linux hands out by itself"
            ));
        }
        let loopback_only = purpose == Purpose::NotLive || localhost_only || range_is_localhost;
        Ok(Self { domain_id, loopback_only, notes })
    }

    /// The ROS domain, 0 to [`MAX_DOMAIN_ID`].
    #[must_use]
    pub fn domain_id(&self) -> u16 {
        self.domain_id
    }

    /// Whether no packet may leave this computer.
    #[must_use]
    pub fn loopback_only(&self) -> bool {
        self.loopback_only
    }

    /// What of the environment is not obeyed, or risky: one sentence each, to be shown once.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The addresses of the only interfaces to use; `None` means all.
    pub(super) fn only_interfaces(&self) -> Option<[IpAddr; 1]> {
        self.loopback_only.then_some([IpAddr::V4(Ipv4Addr::LOCALHOST)])
    }

    /// First UDP port of the domain, by the port arithmetic of DDS.
    pub(super) fn first_port(&self) -> u32 {
        7400 + 250 * u32::from(self.domain_id)
    }
}

fn parse_domain(value: &str) -> Result<u16, NetworkError> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    value
        .parse()
        .ok()
        .filter(|&id| digits && id <= MAX_DOMAIN_ID)
        .ok_or_else(|| NetworkError::Domain { value: value.to_owned() })
}

#[cfg(test)]
#[allow(clippy::type_complexity)] // Tables of cases.
mod tests {
    use super::*;

    fn from(vars: &[(&str, &str)], purpose: Purpose) -> Result<(u16, bool), NetworkError> {
        let env = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Network::from_env(env, purpose).map(|network| (network.domain_id(), network.loopback_only()))
    }

    #[test]
    fn a_live_run_obeys_the_environment() {
        let table: &[(&[(&str, &str)], (u16, bool))] = &[
            (&[], (0, false)),
            (&[("ROS_DOMAIN_ID", "")], (0, false)),
            (&[("ROS_DOMAIN_ID", "0")], (0, false)),
            (&[("ROS_DOMAIN_ID", "42")], (42, false)),
            (&[("ROS_DOMAIN_ID", "232")], (232, false)),
            (&[("ROS_LOCALHOST_ONLY", "0")], (0, false)),
            (&[("ROS_LOCALHOST_ONLY", "1")], (0, true)),
            (&[("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")], (0, false)),
            (&[("ROS_AUTOMATIC_DISCOVERY_RANGE", "SYSTEM_DEFAULT")], (0, false)),
            (&[("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")], (0, true)),
            // The older variable still wins when it asks for less reach.
            (&[("ROS_LOCALHOST_ONLY", "1"), ("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")], (0, true)),
            (&[("ROS_LOCALHOST_ONLY", "0"), ("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")], (0, true)),
        ];
        for (vars, expected) in table {
            assert_eq!(from(vars, Purpose::Live), Ok(*expected), "{vars:?}");
        }
    }

    #[test]
    fn a_run_that_is_not_live_never_leaves_the_computer() {
        let table: &[(&[(&str, &str)], u16)] = &[
            (&[], NOT_LIVE_DOMAIN_ID),
            (&[("ROS_DOMAIN_ID", "")], NOT_LIVE_DOMAIN_ID),
            (&[("ROS_DOMAIN_ID", "5")], 5),
            (&[("ROS_LOCALHOST_ONLY", "0")], NOT_LIVE_DOMAIN_ID),
            (&[("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")], NOT_LIVE_DOMAIN_ID),
            (&[("ROS_AUTOMATIC_DISCOVERY_RANGE", "SYSTEM_DEFAULT"), ("ROS_DOMAIN_ID", "0")], 0),
        ];
        for (vars, domain_id) in table {
            assert_eq!(from(vars, Purpose::NotLive), Ok((*domain_id, true)), "{vars:?}");
        }
    }

    #[test]
    fn what_cannot_be_obeyed_is_an_error_that_names_the_value() {
        for value in ["233", "-1", "+1", " 7", "7x", "0x10", "99999999999999999999", "seven"] {
            for purpose in [Purpose::Live, Purpose::NotLive] {
                let error = from(&[("ROS_DOMAIN_ID", value)], purpose);
                assert_eq!(error, Err(NetworkError::Domain { value: value.to_owned() }));
            }
        }
        let cases = [
            ("ROS_LOCALHOST_ONLY", "true", NetworkError::LocalhostOnly { value: "true".into() }),
            ("ROS_AUTOMATIC_DISCOVERY_RANGE", "localhost", NetworkError::Range { value: "localhost".into() }),
            ("ROS_AUTOMATIC_DISCOVERY_RANGE", "OFF", NetworkError::RangeOff),
        ];
        for (name, value, expected) in cases {
            let error = from(&[(name, value)], Purpose::Live).unwrap_err();
            assert_eq!(error, expected);
            assert!(error.to_string().contains(name) && error.to_string().contains(value), "{error}");
        }
    }

    #[test]
    fn static_peers_are_not_silently_ignored() {
        let env = |name: &str| (name == "ROS_STATIC_PEERS").then(|| "10.0.0.7".to_owned());
        let network = Network::from_env(env, Purpose::Live).unwrap();
        assert!(network.notes().iter().any(|note| note.contains("10.0.0.7")), "{:?}", network.notes());
    }

    #[test]
    fn the_domain_of_runs_that_are_not_live_stays_clear_of_robots_and_of_ports_linux_hands_out() {
        let network = Network::from_env(|_| None, Purpose::NotLive).unwrap();
        assert_ne!(network.domain_id(), LIVE_DOMAIN_ID);
        // A domain owns 250 ports; 32768 is where Linux begins handing out ports by itself.
        assert!(network.first_port() + 250 <= 32768);
        assert!(network.notes().is_empty());
    }
}
