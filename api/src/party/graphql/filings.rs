//! Filings in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    party::{
        Action,
        filing::{self, Agency, Content, Document, FilingAction, FilingField, FilingKind, FilingStatus},
        filing_grant, filing_number, filing_snapshot,
    },
    values::{Email, MobileNumber, Refusal, id::FilingId},
};

use super::{Organisation, people::Person};
use crate::{
    party::{
        loaders::{self, GrantsOf, NumbersOf, SnapshotOf, VersionsOf},
        ops::filings::{self, Step},
    },
    payload,
    platform::{
        error::Error,
        graphql::{Connection, ContextExt, connection::list_cost, decode, encode},
        page::PageArgs,
    },
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

/// A document of a filing (附件): its bytes lie elsewhere and are known by their hash.
#[derive(InputObject)]
pub(super) struct FilingDocumentInput {
    /// What it is called.
    name: String,
    /// SHA-256 of its bytes, in lower-case hex.
    sha256: String,
    /// Its media type.
    media_type: String,
    /// Its size in bytes.
    size: i64,
}

/// What a filing says; absent means unchanged (备案内容).
#[derive(InputObject)]
pub(super) struct FilingContentInput {
    /// Name of the filer (名称).
    legal_name: Option<String>,
    /// Unified social credit code (统一社会信用代码).
    uscc: Option<String>,
    /// Customs registration code (海关注册编码).
    customs_code: Option<String>,
    /// Legal representative (法定代表人).
    representative: Option<String>,
    /// Name of the contact (联系人).
    contact_name: Option<String>,
    /// Mobile number of the contact (联系电话).
    contact_phone: Option<String>,
    /// E-mail of the contact (联系邮箱).
    contact_email: Option<String>,
    /// Address (地址).
    address: Option<String>,
    /// Business scope (经营范围).
    business_scope: Option<String>,
    /// Shops and platforms (电商平台).
    platforms: Option<Vec<String>>,
    /// Documents (附件).
    documents: Option<Vec<FilingDocumentInput>>,
}

impl FilingContentInput {
    fn into_content(self) -> Result<Content, Error> {
        let below = |r: Refusal, field: &str| r.at(field).at("content");
        let uscc = self.uscc.map(|text| text.trim().parse()).transpose().map_err(|r| below(r, "uscc"))?;
        let code = self.customs_code.map(|text| text.trim().parse()).transpose();
        let document = |d: FilingDocumentInput| Document {
            name: d.name,
            sha256: d.sha256,
            media_type: d.media_type,
            size: d.size,
        };
        Ok(Content {
            legal_name: self.legal_name,
            uscc,
            customs_code: code.map_err(|r| below(r, "customsCode"))?,
            representative: self.representative,
            contact_name: self.contact_name,
            contact_phone: self.contact_phone,
            contact_email: self.contact_email,
            address: self.address,
            business_scope: self.business_scope,
            platforms: self.platforms,
            documents: self.documents.map(|all| all.into_iter().map(document).collect()),
        })
    }
}

/// A new filing (新建备案).
#[derive(InputObject)]
pub(super) struct CreateFilingInput {
    /// What it says.
    content: FilingContentInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A changed filing (修改备案).
#[derive(InputObject)]
pub(super) struct UpdateFilingInput {
    /// Which.
    id: ID,
    /// The version that the editor saw.
    expected_version: i32,
    /// What changes.
    content: FilingContentInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A filing to submit (提交备案).
#[derive(InputObject)]
pub(super) struct SubmitFilingInput {
    /// Which.
    id: ID,
    /// The version that the editor saw.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A filing to send back (退回备案).
#[derive(InputObject)]
pub(super) struct ReturnFilingInput {
    /// Which.
    id: ID,
    /// The version that was decided on.
    expected_version: i32,
    /// Why, for its owner.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A filing to approve (通过备案).
#[derive(InputObject)]
pub(super) struct ApproveFilingInput {
    /// Which.
    id: ID,
    /// The version that was decided on.
    expected_version: i32,
    /// Last day of the approval, Asia/Shanghai; none: three years from now.
    valid_until: Option<NaiveDate>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A filing to take out of force for the time being (暂停备案).
#[derive(InputObject)]
pub(super) struct SuspendFilingInput {
    /// Which.
    id: ID,
    /// The version that was decided on.
    expected_version: i32,
    /// Why, for its owner.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A suspended filing to put back into force (恢复备案).
#[derive(InputObject)]
pub(super) struct ResumeFilingInput {
    /// Which.
    id: ID,
    /// The version that was decided on.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// The number that an agency keeps (登记部门备案号).
#[derive(InputObject)]
pub(super) struct SetFilingNumberInput {
    /// Which filing.
    id: ID,
    /// The agency.
    agency: Agency,
    /// Its number.
    number: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A view to grant (授权查看备案).
#[derive(InputObject)]
pub(super) struct GrantFilingViewInput {
    /// Which filing.
    id: ID,
    /// To whom.
    organisation_id: ID,
    /// All fields that it may see from now on; none takes the view away.
    fields: Vec<FilingField>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `createFiling`.
    CreateFilingPayload { /// The filing.
        filing: Filing }
    /// The answer to `updateFiling`.
    UpdateFilingPayload { /// The filing as it is now.
        filing: Filing }
    /// The answer to `submitFiling`.
    SubmitFilingPayload { /// The filing as it is now.
        filing: Filing }
    /// The answer to `returnFiling`.
    ReturnFilingPayload { /// The filing as it is now.
        filing: Filing }
    /// The answer to `approveFiling`.
    ApproveFilingPayload { /// The filing as it is now.
        filing: Filing }
    /// The answer to `suspendFiling`.
    SuspendFilingPayload { /// The filing as it is now.
        filing: Filing }
    /// The answer to `resumeFiling`.
    ResumeFilingPayload { /// The filing as it is now.
        filing: Filing }
    /// The answer to `setFilingNumber`.
    SetFilingNumberPayload { /// The filing.
        filing: Filing }
    /// The answer to `grantFilingView`.
    GrantFilingViewPayload { /// The filing.
        filing: Filing }
}

/// The part of the mutation root about filings.
#[derive(Default)]
pub struct FilingsMutation;

#[Object]
impl FilingsMutation {
    /// Begins the filing of the organisation acted for, or of oneself when acting for none (新建备案).
    async fn create_filing(&self, context: &Context<'_>, input: CreateFilingInput) -> Result<CreateFilingPayload> {
        let call = context.call(Action::WriteFiling)?;
        let result = async { filings::create_filing(context.app(), &call, input.content.into_content()?).await };
        CreateFilingPayload::new(context, input.client_mutation_id, result.await.map(Filing))
    }

    /// Changes a filing. What was approved stays in force until the new version is decided (修改备案).
    async fn update_filing(&self, context: &Context<'_>, input: UpdateFilingInput) -> Result<UpdateFilingPayload> {
        let call = context.call(Action::WriteFiling)?;
        let result = async {
            let content = Some(input.content.into_content()?);
            let step = Step { expected_version: input.expected_version, content, ..Step::default() };
            filings::step(context.app(), &call, decode(&input.id, "id")?, FilingAction::Amend, step).await
        };
        UpdateFilingPayload::new(context, input.client_mutation_id, result.await.map(Filing))
    }

    /// Asks for a decision; the filing must be complete (提交备案).
    async fn submit_filing(&self, context: &Context<'_>, input: SubmitFilingInput) -> Result<SubmitFilingPayload> {
        let call = context.call(Action::WriteFiling)?;
        let result = async {
            let step = Step { expected_version: input.expected_version, ..Step::default() };
            filings::step(context.app(), &call, decode(&input.id, "id")?, FilingAction::Submit, step).await
        };
        SubmitFilingPayload::new(context, input.client_mutation_id, result.await.map(Filing))
    }

    /// Sends a filing back with a reason; for operators (退回备案).
    async fn return_filing(&self, context: &Context<'_>, input: ReturnFilingInput) -> Result<ReturnFilingPayload> {
        let call = context.call(Action::DecideFiling)?;
        let result = async {
            let reason = Some(input.reason);
            let step = Step { expected_version: input.expected_version, reason, ..Step::default() };
            filings::step(context.app(), &call, decode(&input.id, "id")?, FilingAction::Return, step).await
        };
        ReturnFilingPayload::new(context, input.client_mutation_id, result.await.map(Filing))
    }

    /// Approves a filing: its version is in force from now on; for operators (通过备案).
    async fn approve_filing(&self, context: &Context<'_>, input: ApproveFilingInput) -> Result<ApproveFilingPayload> {
        let call = context.call(Action::DecideFiling)?;
        let result = async {
            let valid_until = input.valid_until;
            let step = Step { expected_version: input.expected_version, valid_until, ..Step::default() };
            filings::step(context.app(), &call, decode(&input.id, "id")?, FilingAction::Approve, step).await
        };
        ApproveFilingPayload::new(context, input.client_mutation_id, result.await.map(Filing))
    }

    /// Takes a filing out of force for the time being; for operators (暂停备案).
    async fn suspend_filing(&self, context: &Context<'_>, input: SuspendFilingInput) -> Result<SuspendFilingPayload> {
        let call = context.call(Action::DecideFiling)?;
        let result = async {
            let reason = Some(input.reason);
            let step = Step { expected_version: input.expected_version, reason, ..Step::default() };
            filings::step(context.app(), &call, decode(&input.id, "id")?, FilingAction::Suspend, step).await
        };
        SuspendFilingPayload::new(context, input.client_mutation_id, result.await.map(Filing))
    }

    /// Puts a suspended filing back into force; for operators (恢复备案).
    async fn resume_filing(&self, context: &Context<'_>, input: ResumeFilingInput) -> Result<ResumeFilingPayload> {
        let call = context.call(Action::DecideFiling)?;
        let result = async {
            let step = Step { expected_version: input.expected_version, ..Step::default() };
            filings::step(context.app(), &call, decode(&input.id, "id")?, FilingAction::Resume, step).await
        };
        ResumeFilingPayload::new(context, input.client_mutation_id, result.await.map(Filing))
    }

    /// Notes the number that an agency keeps for a filing; for operators (登记部门备案号).
    async fn set_filing_number(
        &self,
        context: &Context<'_>,
        input: SetFilingNumberInput,
    ) -> Result<SetFilingNumberPayload> {
        let call = context.call(Action::DecideFiling)?;
        let result = async {
            filings::set_number(context.app(), &call, decode(&input.id, "id")?, input.agency, &input.number).await
        };
        SetFilingNumberPayload::new(context, input.client_mutation_id, result.await.map(Filing))
    }

    /// Grants an organisation a view of some fields of one's filing, changes which, or takes the view away
    /// (授权查看备案).
    async fn grant_filing_view(
        &self,
        context: &Context<'_>,
        input: GrantFilingViewInput,
    ) -> Result<GrantFilingViewPayload> {
        let call = context.call(Action::WriteFiling)?;
        let result = async {
            let grantee = decode(&input.organisation_id, "organisationId")?;
            let fields = input.fields.into_iter().collect();
            filings::grant(context.app(), &call, decode(&input.id, "id")?, grantee, fields).await
        };
        GrantFilingViewPayload::new(context, input.client_mutation_id, result.await.map(Filing))
    }
}
