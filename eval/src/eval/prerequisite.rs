//! Evaluates the prerequisites of a flag.

use super::detail::{Evaluation, PrerequisiteEvaluation};
use super::lookup::{Found, Need};
use super::{Abort, Evaluator, Path};
use crate::model::Flag;
use crate::text::Text;

impl<'a> Evaluator<'_, 'a> {
    /// Returns the key of the first failed prerequisite, if any.
    ///
    /// A prerequisite that is off always fails, even if its off variation is the required one. It
    /// is still evaluated and reported; those after a failed one are not.
    #[inline]
    pub(super) fn failed_prerequisite(
        &mut self,
        flag: &'a Flag,
        path: &Path<'_>,
    ) -> Result<Option<&'a Text>, Abort> {
        if flag.prerequisites.is_empty() {
            Ok(None)
        } else {
            self.first_failed(flag, path)
        }
    }

    fn first_failed(&mut self, flag: &'a Flag, path: &Path<'_>) -> Result<Option<&'a Text>, Abort> {
        let path = &path.enter(flag.key())?;
        for required in &flag.prerequisites {
            let prerequisite = match self.data.flag(&required.key) {
                Found::Present(prerequisite) => prerequisite,
                Found::Absent => return Ok(Some(&required.key)),
                Found::Unknown => return Err(Abort::Needs(Need::Flag(required.key.clone()))),
            };
            self.visit()?;
            self.flag(prerequisite, path)?;
            let Evaluation {
                variation, verdict, ..
            } = *self.found;
            self.found.prerequisites.push(PrerequisiteEvaluation {
                flag: prerequisite,
                prerequisite_of: flag.key(),
                variation,
                verdict,
            });
            let index = variation.and_then(|(index, _)| i64::try_from(index).ok());
            if !prerequisite.on || index != Some(required.variation) {
                return Ok(Some(&required.key));
            }
        }
        Ok(None)
    }
}
