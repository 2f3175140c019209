//! Collections and tags that have to exist before tasks can lie in them or carry them.

use std::collections::BTreeSet;

use instep_contract::{Applied, Connector, ConnectorError, PushStep, Store};
use instep_model::{Collection, Operation, ProjectPath};

use crate::pass::Pass;
use crate::round::Engine;
use crate::stop::Stop;
use crate::{Clock, Rng};

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Makes the collections for these paths, parents first. `collections` grows by what was made.
    /// A path that the service refuses is left out: its tasks will be parked with the reason given.
    pub(crate) async fn ensure_collections<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        collections: &mut Vec<Collection>,
        paths: &BTreeSet<ProjectPath>,
    ) -> Result<Vec<(ProjectPath, String)>, Stop> {
        let mut refused = Vec::new();
        for path in paths {
            for depth in 1..=path.titles().len() {
                let Some(level) = ProjectPath::new(path.titles()[..depth].iter().cloned()) else {
                    continue;
                };
                if collections
                    .iter()
                    .any(|known| known.path.as_ref() == Some(&level))
                {
                    continue;
                }
                let operation = Operation::CreateCollection {
                    path: level.clone(),
                };
                match self.make(pass, operation).await? {
                    Ok(applied) => {
                        let id = applied.collection.unwrap_or_else(|| {
                            instep_model::CollectionId::new(applied.id.as_str())
                        });
                        collections.push(Collection {
                            id,
                            path: Some(level),
                            archived: false,
                        });
                    }
                    Err(reason) => {
                        refused.push((path.clone(), reason));
                        break;
                    }
                }
            }
        }
        Ok(refused)
    }

    /// Makes the tags among `tags` that the service does not have.
    pub(crate) async fn ensure_tags<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        tags: &BTreeSet<String>,
    ) -> Result<(), Stop> {
        if tags.is_empty() || !pass.capabilities.tag_records {
            return Ok(());
        }
        let wanted: Vec<String> = tags.iter().cloned().collect();
        let ask = async |connector: &mut C| connector.missing_tags(&wanted).await;
        let missing = self.call(pass, ask).await??;
        for tag in missing {
            // A tag that is refused parks the tasks that want it, when they are written.
            let _ = self.make(pass, Operation::CreateTag { tag }).await?;
        }
        Ok(())
    }

    /// Carries out one create that belongs to no task; `Err` with the reason when it is refused.
    async fn make<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        operation: Operation,
    ) -> Result<Result<Applied, String>, Stop> {
        let now = self.clock.now();
        let intents = self
            .store
            .commit_intents(&pass.lease, &[(None, operation.clone())], now)
            .await?;
        let batch = [operation];
        let outcome = self.apply(pass, &batch, &intents).await?;
        let outcome = outcome.and_then(|mut results| {
            results.pop().unwrap_or_else(|| {
                Err(ConnectorError::Malformed {
                    what: "no result for an operation".to_owned(),
                })
            })
        });
        let outcome = match (outcome, &batch[0]) {
            // Somebody else made it a moment ago: it is the one that was wanted.
            (Err(ConnectorError::AlreadyExists { id }), Operation::CreateCollection { .. }) => {
                Ok(Applied::done(id))
            }
            (outcome, _) => outcome,
        };
        match outcome {
            Ok(applied) => {
                let collection = match &batch[0] {
                    Operation::CreateCollection { path } => {
                        let id = applied.collection.clone().unwrap_or_else(|| {
                            instep_model::CollectionId::new(applied.id.as_str())
                        });
                        Some(Collection {
                            id,
                            path: Some(path.clone()),
                            archived: false,
                        })
                    }
                    _ => None,
                };
                let settled = intents.first().copied();
                let step = PushStep {
                    settled,
                    collection,
                    ..PushStep::default()
                };
                self.store
                    .commit_push(&pass.lease, &[step], self.clock.now())
                    .await?;
                Ok(Ok(applied))
            }
            Err(error) => {
                self.doubt(pass, &intents, &error).await?;
                if error.is_about_item() {
                    Ok(Err(error.to_string()))
                } else {
                    Err(error.into())
                }
            }
        }
    }
}
