//! Folders of pictures, numbered or named.

use super::inside::Inside;
use super::{Entry, IngestError, Listed, Listing, LogKind, MAX_FRAMES};

const EXTENSIONS: [&str; 3] = ["png", "jpg", "jpeg"];

pub(super) fn list(inside: &Inside) -> Result<Listing, IngestError> {
    // Other files (`traj_data.pkl` and the like) may lie beside the pictures.
    let names = inside.names(2 * MAX_FRAMES)?;
    let others = names.len();
    let mut pictures: Vec<(Option<u64>, String)> =
        names.into_iter().filter(|n| is_picture(n)).map(|n| (number(&n), n)).collect();
    if pictures.is_empty() {
        return Err(IngestError::Unknown {
            path: inside.path().to_owned(),
            detail: format!("the folder has {others} entries, none of them manifest.json or a .png, .jpg or .jpeg picture"),
        });
    }
    if pictures.len() as u64 > MAX_FRAMES {
        return Err(IngestError::TooManyFrames { path: inside.path().to_owned() });
    }
    // As text 10.png comes before 2.png. One name without a number, and text order is all there is.
    let kind = if pictures.iter().all(|(number, _)| number.is_some()) {
        pictures.sort();
        let contiguous = pictures.iter().zip(0..).all(|((number, _), i)| *number == Some(i));
        if contiguous { LogKind::NumberedFolder } else { LogKind::ImageFolder }
    } else {
        pictures.sort_by(|a, b| a.1.cmp(&b.1));
        LogKind::ImageFolder
    };
    let entries = pictures
        .into_iter()
        .zip(0..)
        .map(|((_, name), index)| Entry {
            index,
            stamp_ns: None,
            what: Ok(Listed { name: name.into_boxed_str(), teleop: None }),
        })
        .collect();
    Ok(Listing { kind, pictures: "", entries })
}

fn split(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty())
}

fn is_picture(name: &str) -> bool {
    split(name).is_some_and(|(_, e)| EXTENSIONS.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

fn number(name: &str) -> Option<u64> {
    let (stem, _) = split(name)?;
    stem.bytes().all(|b| b.is_ascii_digit()).then(|| stem.parse().ok())?
}
