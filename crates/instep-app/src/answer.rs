//! What the command line asks for, as one question: the daemon answers it the way a command without
//! one is carried out.

use instep_api::socket::Progress;
use instep_api::{Failure, Reply, Request};

use crate::app::App;

impl App {
    /// Carries out a request.
    ///
    /// # Errors
    /// Whatever stopped it as a whole.
    pub async fn answer(
        &self,
        request: &Request,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Reply, Failure> {
        Ok(match request {
            Request::Sync(request) => Reply::Synced(self.sync(request, progress).await?),
            Request::Push(task) => Reply::Synced(self.push(task).await?),
            Request::Pull { account, remote_id } => {
                Reply::Synced(self.pull(account, remote_id).await?)
            }
            Request::Restore(collection) => Reply::Synced(self.restore(collection).await?),
            Request::Repair(request) => Reply::Synced(self.repair(request, progress).await?),
            Request::Retry(request) => {
                Reply::Retried(Box::new(self.retry(request, progress).await?))
            }
            Request::Add { edit, to } => {
                Reply::Touched(Box::new(self.add(edit, to.as_deref()).await?))
            }
            Request::Edit { id, edit } => Reply::Touched(Box::new(self.edit(id, edit).await?)),
            Request::Done(id) => Reply::Touched(Box::new(self.done(id).await?)),
            Request::Remove(id) => Reply::Touched(Box::new(self.remove(id).await?)),
            Request::Resolve { id, how } => Reply::Touched(Box::new(self.resolve(id, how).await?)),
            Request::Status => Reply::Status(self.status().await?),
        })
    }
}
