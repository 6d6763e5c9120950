//! The search for a place over a whole map: an exact scan over one flat matrix, nothing approximate. Ten thousand
//! places are a few megabytes, read front to back once a question.

use super::error::PolicyError;
use super::place::{Descriptor, cosine};

/// One answer of a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlaceMatch {
    /// Number of the place, in the order of insertion.
    pub index: usize,
    /// Cosine of the angle to the question, -1 to 1.
    pub similarity: f32,
}

/// The descriptors of a map's places.
#[derive(Clone, Debug, Default)]
pub struct PlaceIndex {
    /// Numbers of one descriptor; 0 while there is none.
    width: usize,
    /// `[places, width]`.
    numbers: Vec<f32>,
}

impl PlaceIndex {
    /// The index of some places, in order.
    ///
    /// # Errors
    /// [`PolicyError::ForeignDescriptor`] when they have different numbers of numbers.
    pub fn of(descriptors: &[Descriptor]) -> Result<Self, PolicyError> {
        let mut index = Self::default();
        for descriptor in descriptors {
            index.push(descriptor)?;
        }
        Ok(index)
    }

    /// Adds a place; its number is the count before.
    ///
    /// # Errors
    /// [`PolicyError::ForeignDescriptor`] when it has another number of numbers than those before.
    pub fn push(&mut self, descriptor: &Descriptor) -> Result<(), PolicyError> {
        if self.width == 0 {
            self.width = descriptor.numbers().len();
        }
        self.check(descriptor)?;
        self.numbers.extend_from_slice(descriptor.numbers());
        Ok(())
    }

    /// How many places there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len().checked_div(self.width).unwrap_or(0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The `k` places most like the question, best first; of equal ones the one inserted first. Fewer where there
    /// are fewer.
    ///
    /// # Errors
    /// [`PolicyError::ForeignDescriptor`] when the question has another number of numbers.
    pub fn search(&self, question: &Descriptor, k: usize) -> Result<Vec<PlaceMatch>, PolicyError> {
        let k = k.min(self.len());
        let mut best: Vec<PlaceMatch> = Vec::with_capacity(k + 1);
        if k == 0 {
            return Ok(best);
        }
        self.check(question)?;
        let mut worst = f32::NEG_INFINITY;
        for (index, row) in self.numbers.chunks_exact(self.width).enumerate() {
            let similarity = cosine(row, question.numbers());
            // Nearly every place fails this comparison, so the list costs next to nothing.
            if similarity <= worst {
                continue;
            }
            let at = best.partition_point(|found| found.similarity >= similarity);
            best.insert(at, PlaceMatch { index, similarity });
            best.truncate(k);
            if best.len() == k {
                worst = best.last().map_or(worst, |found| found.similarity);
            }
        }
        Ok(best)
    }

    fn check(&self, descriptor: &Descriptor) -> Result<(), PolicyError> {
        let got = descriptor.numbers().len();
        if got == self.width { Ok(()) } else { Err(PolicyError::ForeignDescriptor { expected: self.width, got }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
