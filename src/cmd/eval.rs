//! `pilotage eval`: paired closed-loop episodes of several methods in simulated worlds.

mod episodes;
mod picture;
mod plan;
mod plot;
mod rows;
mod stats;
mod table;
mod trace;

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context as _, Result};
use indicatif::ProgressBar;

use self::episodes::{Worker, scratch};
use self::plan::{CAMERA_HZ, Method, Plan};
use self::rows::{Facts, Finished, Journal};
use super::{Outcome, load_policy, refuse_existing};
use crate::cli::EvalArgs;
use crate::config::Profile;
use crate::episode;
use crate::runtime::parallel::map_indexed_with;

#[allow(clippy::disallowed_methods)] // How long the user waited; nothing depends on it.
pub(super) fn run(args: &EvalArgs) -> Result<Outcome> {
    let plan = Plan::new(args)?;
    for file in args.csv.iter().chain(&args.plot) {
        refuse_existing(file, "give another file name")?;
    }
    if let Some(folder) = &args.pictures {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let began = Instant::now();
    let (policy, folder) = load_policy(&args.policy, &Profile::default())?;
    if let Some(index) = args.trace {
        return trace(&plan, index, policy);
    }
    println!("policy      {} at {}", policy.describe(), folder.display());
    println!(
        "worlds      {}:{} and on, {} episodes; effects {}{}; start off by N(0, {} m), N(0, {} rad)",
        plan.split.name(),
        plan.first,
        plan.episodes,
        plan.effects.name(),
        if plan.movers { ", people and boxes about" } else { "" },
        episode::START_SIGMA_M,
        episode::START_SIGMA_RAD
    );
    for &method in &plan.methods {
        if let Some(numbers) = plan.differs(method) {
            println!("{:<12}pilotage with {numbers}", method.name());
        }
    }
    let key = plan.key(policy.sha256());
    drop(policy);
    let (journal, old) = Journal::open(args.resume.as_deref(), &key)?;
    if !old.is_empty() {
        println!("resumed     {} episodes were driven before", old.len());
    }
    let finished = all(args, &plan, &journal, old)?;
    let rows: Vec<&Facts> = finished.iter().filter_map(|one| one.episode.as_ref()).collect();
    anyhow::ensure!(!rows.is_empty(), "none of the {} worlds could be driven", finished.len());
    if let Some(csv) = &args.csv {
        rows::write_csv(csv, &rows)?;
    }
    if let Some(path) = &args.plot {
        let title = format!("success over {} episodes of the {} split, 95 % intervals", rows.len(), plan.split.name());
        plot::draw(path, &plan.methods, &rows, &title)?;
    }
    table::print(&plan.methods, &rows);
    table::failures(&rows);
    let left_out = finished.len() - rows.len();
    if left_out > 0 {
        println!(
            "left out    {left_out} worlds without a way that the teleoperator can drive without touching something"
        );
    }
    println!("took        {:.0} s", began.elapsed().as_secs_f64());
    Ok(Outcome::Done)
}

/// Drives until there are as many episodes as wanted, in the order of the indices; those of the journal count.
fn all(args: &EvalArgs, plan: &Plan, journal: &Journal, old: Vec<Finished>) -> Result<Vec<Finished>> {
    let complete = |one: &Finished| {
        one.episode.as_ref().is_none_or(|facts| plan.methods.iter().all(|&method| facts.of(method).is_some()))
    };
    let mut known: BTreeMap<u64, Finished> = old.into_iter().filter(complete).map(|one| (one.index, one)).collect();
    let scratch = scratch()?;
    let bar = ProgressBar::new(plan.episodes as u64);
    let mut taken: Vec<Finished> = Vec::new();
    let mut next = plan.first;
    let result = loop {
        let valid = taken.iter().filter(|one| one.episode.is_some()).count();
        if valid >= plan.episodes {
            break Ok(());
        }
        if taken.len() > 20 * plan.episodes + 100 {
            break Err(anyhow::anyhow!("only {valid} of {} worlds could be driven", taken.len()));
        }
        // Never more than are missing: which episodes count must not depend on the threads.
        let batch: Vec<u64> = (next..next + (plan.episodes - valid) as u64).collect();
        next += batch.len() as u64;
        let missing: Vec<u64> = batch.iter().copied().filter(|index| !known.contains_key(index)).collect();
        bar.set_position(valid as u64);
        let driven = map_indexed_with(
            missing.len(),
            args.threads,
            || load_policy(&args.policy, &Profile::default()).map(|(policy, _)| Worker::new(policy, scratch.clone())),
            |worker, at| {
                let worker = worker.as_mut().map_err(|error| anyhow::anyhow!("{error:#}"))?;
                let index = missing.get(at).copied().unwrap_or_default();
                let one = drive(args, plan, worker, index)?;
                journal.add(&one)?;
                bar.inc(1);
                Ok(one)
            },
        );
        let driven: Result<Vec<Finished>> = driven.into_iter().collect();
        match driven {
            Ok(driven) => known.extend(driven.into_iter().map(|one| (one.index, one))),
            Err(error) => break Err(error),
        }
        taken.extend(batch.iter().filter_map(|index| known.get(index).cloned()));
    };
    bar.finish_and_clear();
    std::fs::remove_dir_all(&scratch).ok();
    result.map(|()| taken)
}

fn drive(args: &EvalArgs, plan: &Plan, worker: &mut Worker, index: u64) -> Result<Finished> {
    worker
        .episode(plan, index, &mut |method, episode, drive| {
            if let Some(folder) = args.pictures.as_ref().filter(|_| method == Method::Ours && !drive.outcome.success) {
                let name = format!("{}-{}.png", episode.id.split.name(), episode.id.index);
                picture::draw(episode, drive, &folder.join(name))?;
            }
            Ok(())
        })
        .with_context(|| format!("episode {}:{index}", plan.split.name()))
}

fn trace(plan: &Plan, index: u64, policy: Box<dyn crate::policy::Policy>) -> Result<Outcome> {
    let scratch = scratch()?;
    let mut worker = Worker::new(policy, scratch.clone());
    let mut success = true;
    let finished = worker.episode(plan, index, &mut |method, episode, drive| {
        println!(
            "{} in {}:{index} ({}), robot {}, cruise {:.2} m/s, radius {:.2} m",
            method.title(),
            plan.split.name(),
            episode.world.family().name(),
            episode.robot.kind.name(),
            episode.robot.v_max_mps,
            episode.robot.radius_m
        );
        trace::print(episode, drive, CAMERA_HZ);
        success &= drive.outcome.success;
        Ok(())
    });
    std::fs::remove_dir_all(&scratch).ok();
    anyhow::ensure!(finished?.episode.is_some(), "nobody can be driven through that world; try another index");
    Ok(if success { Outcome::Done } else { Outcome::Negative })
}
