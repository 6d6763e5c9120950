//! Same questions, same bits; and questions that cannot be answered.

use pilotage::policy::{EngineChoice, ModelImage, ModelSpec, PolicyError, Prediction, SPLIT_TOLERANCE};

use crate::{common, engines, load};

/// A picture that differs with `seed` in every region.
fn scene(spec: &ModelSpec, seed: u32) -> ModelImage {
    let pixel = |i: u32| {
        let (x, y, c) = (i / 3 % spec.width, i / 3 / spec.width, i % 3);
        ((x * (3 + seed % 5) + y * (2 + seed % 3) + c * 70 + seed * 37) % 251) as u8
    };
    let rgb: Vec<u8> = (0..spec.width * spec.height * 3).map(pixel).collect();
    ModelImage { width: spec.width, height: spec.height, rgb: rgb.into() }
}

fn context(spec: &ModelSpec, seed: u32) -> Vec<ModelImage> {
    (0..spec.context_frames as u32).map(|i| scene(spec, seed + i)).collect()
}

fn bits(predictions: &[Prediction]) -> Vec<u32> {
    let numbers = |p: &Prediction| {
        let waypoints = p.waypoints().iter().flat_map(|w| [w.x_units, w.y_units, w.cos_yaw, w.sin_yaw]);
        std::iter::once(p.distance_steps).chain(waypoints).map(f32::to_bits).collect::<Vec<_>>()
    };
    predictions.iter().flat_map(numbers).collect()
}

#[test]
fn caches_cleared_in_mid_run_give_the_same_bits() {
    for engine in engines() {
        let folder = common::shipped_policy();
        let mut kept = load(&folder, engine).unwrap();
        let mut cleared = load(&folder, engine).unwrap();
        let spec = kept.spec().clone();
        let goals: Vec<ModelImage> = (0..10).map(|i| scene(&spec, 50 + i)).collect();
        let nodes: Vec<_> = goals.iter().map(|g| kept.remember(g).unwrap()).collect();
        for tick in 0..4 {
            kept.observe(&context(&spec, tick)).unwrap();
            let expected = kept.predict(&nodes.iter().collect::<Vec<_>>()).unwrap();
            if tick == 2 {
                cleared = load(&folder, engine).unwrap();
            }
            // Features computed again, in another order, with a question in between.
            let mut again: Vec<_> = goals.iter().rev().map(|g| cleared.remember(g).unwrap()).collect();
            again.reverse();
            cleared.observe(&context(&spec, 99)).unwrap();
            cleared.predict(&[&again[3]]).unwrap();
            cleared.observe(&context(&spec, tick)).unwrap();
            let found = cleared.predict(&again.iter().collect::<Vec<_>>()).unwrap();
            assert_eq!(bits(&expected), bits(&found), "{engine}, tick {tick}");
        }
    }
}

#[test]
fn answers_come_in_the_order_of_the_question_whatever_its_length() {
    for engine in engines() {
        let mut policy = load(&common::shipped_policy(), engine).unwrap();
        let spec = policy.spec().clone();
        let nodes: Vec<_> = (0..3).map(|i| policy.remember(&scene(&spec, 10 + i)).unwrap()).collect();
        policy.observe(&context(&spec, 0)).unwrap();
        assert!(policy.predict(&[]).unwrap().is_empty());
        let alone: Vec<Prediction> = nodes.iter().map(|n| policy.predict(&[n]).unwrap()[0]).collect();
        assert!((alone[0].distance_steps - alone[1].distance_steps).abs() > 1e-2, "the scenes must differ");
        // Longer than one batch of the candidate graph.
        let question: Vec<_> = (0..70).map(|i| &nodes[i % 3]).collect();
        let answers = policy.predict(&question).unwrap();
        assert_eq!(answers.len(), question.len());
        for (i, answer) in answers.iter().enumerate() {
            assert_eq!(answer.waypoints().len(), spec.waypoints);
            assert!((answer.distance_steps - alone[i % 3].distance_steps).abs() <= SPLIT_TOLERANCE, "{engine}, {i}");
        }
    }
}

#[test]
fn a_question_before_any_context_is_an_error_and_after_a_bad_context_too() {
    let mut policy = load(&common::shipped_policy(), EngineChoice::Builtin).unwrap();
    let spec = policy.spec().clone();
    let node = policy.remember(&scene(&spec, 1)).unwrap();
    assert!(matches!(policy.predict(&[&node]), Err(PolicyError::NothingObserved)));
    policy.observe(&context(&spec, 0)).unwrap();
    policy.predict(&[&node]).unwrap();
    let short = &context(&spec, 0)[1..];
    assert!(matches!(policy.observe(short), Err(PolicyError::ContextLength { got: 5, .. })));
    assert!(matches!(policy.predict(&[&node]), Err(PolicyError::NothingObserved)), "an old context answered");
}

#[test]
fn a_picture_of_another_size_is_an_error() {
    let mut policy = load(&common::shipped_policy(), EngineChoice::Builtin).unwrap();
    let small = ModelImage { width: 2, height: 1, rgb: vec![0; 6].into() };
    let lying = ModelImage { rgb: vec![0; 6].into(), ..scene(policy.spec(), 0) };
    for picture in [small, lying] {
        assert!(matches!(policy.remember(&picture), Err(PolicyError::PictureSize { .. })));
        let context = vec![picture; policy.spec().context_frames];
        assert!(matches!(policy.observe(&context), Err(PolicyError::PictureSize { .. })));
    }
}

#[test]
fn features_of_another_model_are_an_error() {
    let Some(folder) = common::reference_policy() else {
        return common::skip("no reference GNM to take features from");
    };
    let mut other = load(&folder, EngineChoice::Builtin).unwrap();
    let mut policy = load(&common::shipped_policy(), EngineChoice::Builtin).unwrap();
    let spec = policy.spec().clone();
    let foreign = other.remember(&scene(&spec, 1)).unwrap();
    policy.observe(&context(&spec, 0)).unwrap();
    assert!(matches!(policy.predict(&[&foreign]), Err(PolicyError::ForeignFeatures { index: 0, .. })));
}
