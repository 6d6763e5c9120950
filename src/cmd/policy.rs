//! `pilotage policy`

use std::path::Path;

use anyhow::Result;

use super::{Outcome, shipped_policy};
use crate::policy;

pub(super) fn check(folder: Option<&Path>, ort_lib: Option<&Path>) -> Result<Outcome> {
    let folder = match folder {
        Some(folder) => folder.to_owned(),
        None => shipped_policy()?,
    };
    if policy::is_place_folder(&folder)? {
        let report = policy::place_parity(&folder, ort_lib)?;
        print!("{report}");
        return Ok(if report.passes() { Outcome::Done } else { Outcome::Negative });
    }
    let report = policy::parity(&folder, ort_lib)?;
    print!("{report}");
    Ok(if report.passes() { Outcome::Done } else { Outcome::Negative })
}
