//! The search over a map's places finds what a naive scan finds, in the same order.

use pilotage::policy::{Descriptor, PlaceIndex, PlaceMatch, PolicyError};

/// Reproducible unit vectors, coarse enough that equal ones occur.
fn descriptor(seed: u64, width: usize) -> Descriptor {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut numbers: Vec<f32> = (0..width)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 61) as f32 - 3.25
        })
        .collect();
    let length = numbers.iter().map(|x| x * x).sum::<f32>().sqrt();
    numbers.iter_mut().for_each(|x| *x /= length);
    Descriptor::new(numbers).unwrap()
}

/// By the definition: all similarities, sorted, ties by number.
fn naive(places: &[Descriptor], question: &Descriptor, k: usize) -> Vec<PlaceMatch> {
    let mut all: Vec<PlaceMatch> = places
        .iter()
        .enumerate()
        .map(|(index, place)| PlaceMatch { index, similarity: place.similarity(question).unwrap() })
        .collect();
    all.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.index.cmp(&b.index)));
    all.truncate(k);
    all
}

#[test]
fn the_search_finds_what_a_naive_scan_finds() {
    for width in [1, 2, 7, 16, 33, 128] {
        let places: Vec<Descriptor> = (0..300).map(|i| descriptor(i, width)).collect();
        let index = PlaceIndex::of(&places).unwrap();
        for k in [0, 1, 5, 299, 300, 1000] {
            for seed in 1000..1010 {
                let question = descriptor(seed, width);
                assert_eq!(index.search(&question, k).unwrap(), naive(&places, &question, k), "{width} {k}");
            }
        }
    }
}

#[test]
fn of_equal_places_the_first_comes_first() {
    let (a, b) = (descriptor(1, 32), descriptor(2, 32));
    let index = PlaceIndex::of(&[b.clone(), a.clone(), b.clone(), a.clone(), a.clone()]).unwrap();
    let found: Vec<usize> = index.search(&a, 4).unwrap().iter().map(|m| m.index).collect();
    assert_eq!(found, [1, 3, 4, 0]);
    assert_eq!(index.search(&a, 1).unwrap().first().map(|m| m.index), Some(1));
}

#[test]
fn an_empty_map_answers_nothing_and_another_models_question_is_an_error() {
    assert!(PlaceIndex::default().search(&descriptor(1, 8), 3).unwrap().is_empty());
    let mut index = PlaceIndex::of(&[descriptor(1, 8)]).unwrap();
    assert_eq!(index.len(), 1);
    assert!(matches!(index.search(&descriptor(1, 9), 1), Err(PolicyError::ForeignDescriptor { .. })));
    assert!(matches!(index.push(&descriptor(1, 7)), Err(PolicyError::ForeignDescriptor { .. })));
}

#[test]
fn only_finite_numbers_of_length_one_are_a_descriptor() {
    for bad in [vec![], vec![0.0; 8], vec![f32::NAN, 1.0], vec![f32::INFINITY], vec![2.0], vec![1.0 / 23.0; 529]] {
        assert!(matches!(Descriptor::new(bad.clone()), Err(PolicyError::NotADescriptor { .. })), "{bad:?}");
    }
    let good = Descriptor::new(vec![0.6, 0.805]).unwrap();
    let length: f32 = good.numbers().iter().map(|x| x * x).sum();
    assert!((length - 1.0).abs() < 1e-6, "{length}");
}

#[test]
fn a_similarity_never_leaves_its_range() {
    for n in [1, 3, 16, 100, 128, 511] {
        let d = Descriptor::new(vec![1.0 / (n as f32).sqrt(); n]).unwrap();
        let turned = Descriptor::new(d.numbers().iter().map(|x| -x).collect()).unwrap();
        assert!((d.similarity(&d).unwrap() - 1.0).abs() < 1e-5 && d.similarity(&d).unwrap() <= 1.0);
        assert!((d.similarity(&turned).unwrap() + 1.0).abs() < 1e-5 && d.similarity(&turned).unwrap() >= -1.0);
    }
}

#[test]
fn descriptors_of_different_models_are_not_compared() {
    let (a, b) = (Descriptor::new(vec![1.0]).unwrap(), Descriptor::new(vec![1.0, 0.0]).unwrap());
    assert!(matches!(a.similarity(&b), Err(PolicyError::ForeignDescriptor { expected: 1, got: 2 })));
}
