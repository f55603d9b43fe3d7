//! Filings in the schema: what they are and how they are read; [`mutation`]: what is done to them.

pub mod mutation;

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    party::{
        Action,
        filing::{self, Agency, Content, Document, FilingField, FilingKind, FilingStatus},
        filing_grant, filing_number, filing_snapshot,
    },
    values::{Email, MobileNumber, id::FilingId},
};
use platform::{
    error::Error,
    graphql::{Connection, ContextExt, connection::list_cost, decode, encode},
    page::PageArgs,
};

use super::{Organisation, people::Person};
use crate::{
    loaders::{self, GrantsOf, NumbersOf, SnapshotOf, VersionsOf},
    ops::filings,
};

/// A filing: filed once, used by every agency that was granted a view (备案).
#[derive(Clone, Debug)]
pub struct Filing(pub filing::Model);

/// A filing: filed once, used by every agency that was granted a view (备案).
#[Object]
impl Filing {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Who files.
    async fn kind(&self) -> FilingKind {
        self.0.kind
    }

    /// State of the version in work; for others than its owner, of what is in force.
    async fn status(&self, context: &Context<'_>) -> FilingStatus {
        let seen = filings::shown(&self.0).map(|(status, _)| status);
        seen.filter(|_| !self.whole(context)).unwrap_or(self.0.status)
    }

    /// Counts up with every change; sent back as `expectedVersion`. For others than its owner: what is in force.
    async fn version(&self, context: &Context<'_>) -> i32 {
        let seen = filings::shown(&self.0).and_then(|(_, version)| version);
        seen.filter(|_| !self.whole(context)).unwrap_or(self.0.version)
    }

    /// The approved version, while the filing is in force.
    async fn in_force_version(&self) -> Option<i32> {
        self.0.in_force_version
    }

    /// Last day of the approval, Asia/Shanghai.
    async fn valid_until(&self) -> Option<NaiveDate> {
        self.0.valid_until
    }

    /// Why it was returned or suspended; for its owner and the zone.
    async fn reason(&self, context: &Context<'_>) -> Option<&str> {
        self.whole(context).then_some(self.0.reason.as_deref()).flatten()
    }

    /// The organisation that files.
    async fn organisation(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        let Some(id) = self.0.organisation_id else { return Ok(None) };
        Ok(loaders::of(context).load_one(id).await?.map(Organisation))
    }

    /// The person who files without an organisation; for itself and the zone.
    async fn person(&self, context: &Context<'_>) -> Result<Option<Person>> {
        let Some(id) = self.0.person_id.filter(|_| self.whole(context)) else { return Ok(None) };
        Ok(loaders::of(context).load_one(id).await?.map(Person))
    }

    /// What it says, as far as the viewer may see it: its owner and the zone the version in work, whoever was granted
    /// a view its fields of the version in force.
    #[graphql(complexity = "20 + child_complexity")]
    async fn content(&self, context: &Context<'_>) -> Result<Option<FilingContent>> {
        let (viewer, loader) = (context.viewer(), loaders::of(context));
        let own = filings::is_own(viewer, &self.0);
        let grants = if self.whole(context) { None } else { loader.load_one(GrantsOf(self.0.id)).await? };
        let readable = filings::readable(viewer, &self.0, &grants.unwrap_or_default());
        let Some((version, fields)) = readable else { return Ok(None) };
        let content = said(context, self.0.id, version).await?;
        let content = fields.into_iter().fold(content, |content, fields| content.only(&fields));
        Ok(Some(FilingContent { version, content, own }))
    }

    /// Numbers that agencies keep for it; for its owner and the zone.
    #[graphql(complexity = "10 + 5 * child_complexity")]
    async fn numbers(&self, context: &Context<'_>) -> Result<Vec<FilingNumber>> {
        if !self.whole(context) {
            return Ok(Vec::new());
        }
        let rows = loaders::of(context).load_one(NumbersOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(FilingNumber::from).collect())
    }

    /// Who was granted a view; for its owner and the zone.
    #[graphql(complexity = "10 + 20 * child_complexity")]
    async fn grants(&self, context: &Context<'_>) -> Result<Vec<FilingGrant>> {
        if !self.whole(context) {
            return Ok(Vec::new());
        }
        let rows = loaders::of(context).load_one(GrantsOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(FilingGrant).collect())
    }

    /// Its last 100 versions, newest first; for its owner and the zone.
    #[graphql(complexity = "10 + 20 * child_complexity")]
    async fn versions(&self, context: &Context<'_>) -> Result<Vec<FilingVersion>> {
        if !self.whole(context) {
            return Ok(Vec::new());
        }
        let rows = loaders::of(context).load_one(VersionsOf(self.0.id)).await?.unwrap_or_default();
        let own = filings::is_own(context.viewer(), &self.0);
        Ok(rows.into_iter().map(|row| FilingVersion { row, own }).collect())
    }
}

impl Filing {
    fn whole(&self, context: &Context<'_>) -> bool {
        filings::is_own(context.viewer(), &self.0) || context.viewer().oversees()
    }
}

/// What a version says, opened.
async fn said(context: &Context<'_>, id: FilingId, version: i32) -> Result<Content, Error> {
    let row = loaders::of(context).load_one(SnapshotOf(id, version)).await.map_err(|e| Error::internal(e.0.told()))?;
    let row = row.ok_or_else(|| Error::internal(format!("version {version} of filing {id} is missing")))?;
    filings::unsealed(context.app().vault(), &row)
}

/// What a filing says (备案内容).
pub struct FilingContent {
    version: i32,
    content: Content,
    own: bool,
}

/// What a filing says (备案内容).
#[Object]
impl FilingContent {
    /// Of which version.
    async fn version(&self) -> i32 {
        self.version
    }

    /// Name of the filer (名称).
    async fn legal_name(&self) -> Option<&str> {
        self.content.legal_name.as_deref()
    }

    /// Unified social credit code (统一社会信用代码).
    async fn uscc(&self) -> Option<String> {
        self.content.uscc.as_ref().map(ToString::to_string)
    }

    /// Customs registration code (海关注册编码).
    async fn customs_code(&self) -> Option<String> {
        self.content.customs_code.as_ref().map(ToString::to_string)
    }

    /// Legal representative (法定代表人).
    async fn representative(&self) -> Option<&str> {
        self.content.representative.as_deref()
    }

    /// Name of the contact (联系人).
    async fn contact_name(&self) -> Option<&str> {
        self.content.contact_name.as_deref()
    }

    /// Mobile number of the contact; masked for everyone but its owner (联系电话).
    async fn contact_phone(&self) -> Option<String> {
        let phone = self.content.contact_phone.as_deref()?;
        if self.own { Some(phone.to_owned()) } else { phone.parse::<MobileNumber>().ok().map(|p| p.masked()) }
    }

    /// E-mail of the contact; masked for everyone but its owner (联系邮箱).
    async fn contact_email(&self) -> Option<String> {
        let email = self.content.contact_email.as_deref()?;
        if self.own { Some(email.to_owned()) } else { email.parse::<Email>().ok().map(|e| e.masked()) }
    }

    /// Address (地址).
    async fn address(&self) -> Option<&str> {
        self.content.address.as_deref()
    }

    /// Business scope (经营范围).
    async fn business_scope(&self) -> Option<&str> {
        self.content.business_scope.as_deref()
    }

    /// Shops and platforms (电商平台).
    async fn platforms(&self) -> Option<&[String]> {
        self.content.platforms.as_deref()
    }

    /// Documents, known by their hashes (附件).
    async fn documents(&self) -> Option<Vec<FilingDocument>> {
        let shown = |d: &Document| FilingDocument {
            name: d.name.clone(),
            sha256: d.sha256.clone(),
            media_type: d.media_type.clone(),
            size: d.size,
        };
        self.content.documents.as_ref().map(|documents| documents.iter().map(shown).collect())
    }
}

/// A document of a filing (附件).
#[derive(SimpleObject)]
pub struct FilingDocument {
    /// What it is called.
    name: String,
    /// SHA-256 of its bytes, in hex.
    sha256: String,
    /// Its media type.
    media_type: String,
    /// Its size in bytes.
    size: i64,
}

/// The number that an agency keeps for a filing (部门备案号).
#[derive(SimpleObject)]
pub struct FilingNumber {
    /// The agency.
    agency: Agency,
    /// Its number.
    number: String,
    /// Since when.
    at: DateTime<Utc>,
}

impl From<filing_number::Model> for FilingNumber {
    fn from(row: filing_number::Model) -> Self {
        Self { agency: row.agency, number: row.number, at: row.at }
    }
}

/// Which fields another organisation may see (备案授权).
pub struct FilingGrant(filing_grant::Model);

/// Which fields another organisation may see (备案授权).
#[Object]
impl FilingGrant {
    /// Who may see them.
    async fn grantee(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(loaders::of(context).load_one(self.0.grantee_id).await?.map(Organisation))
    }

    /// Which fields.
    async fn fields(&self) -> Vec<FilingField> {
        self.0.fields.0.iter().copied().collect()
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// A version of a filing (备案版本).
pub struct FilingVersion {
    row: filing_snapshot::Head,
    own: bool,
}

/// A version of a filing (备案版本).
#[Object]
impl FilingVersion {
    /// Which.
    async fn version(&self) -> i32 {
        self.row.version
    }

    /// State.
    async fn status(&self) -> FilingStatus {
        self.row.status
    }

    /// Who made it so.
    async fn actor(&self) -> &str {
        &self.row.actor
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.row.at
    }

    /// What it said.
    #[graphql(complexity = "20 + child_complexity")]
    async fn content(&self, context: &Context<'_>) -> Result<FilingContent> {
        let content = said(context, self.row.filing_id, self.row.version).await?;
        Ok(FilingContent { version: self.row.version, content, own: self.own })
    }
}

/// The part of the query root about filings.
#[derive(Default)]
pub struct FilingsQuery;

#[Object]
impl FilingsQuery {
    /// Filings that the viewer may know of, newest first (备案列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn filings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only in this state.")] status: Option<FilingStatus>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Filing>> {
        context.may(Action::ReadFilings)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = filings::list_filings(context.app().db().read(), context.viewer(), status, &page).await?;
        Ok(Connection::new(rows, None, |row| (filings::filing_cursor(&row), Filing(row))))
    }

    /// One filing; null when there is none or it may not be seen (备案).
    async fn filing(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<Filing>> {
        context.may(Action::ReadFilings)?;
        let Ok(id) = decode::<FilingId>(&id, "id") else { return Ok(None) };
        let row = filings::find_filing(context.app().db().read(), context.viewer(), id).await?;
        Ok(row.map(Filing))
    }
}
