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
