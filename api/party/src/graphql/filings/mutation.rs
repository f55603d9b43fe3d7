//! What is done to filings.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::NaiveDate;
use entities::{
    party::{
        Action,
        filing::{Agency, Content, Document, FilingAction, FilingField},
    },
    values::Refusal,
};
use platform::{
    error::Error,
    graphql::{ContextExt, decode},
    payload,
};

use super::Filing;
use crate::ops::filings::{self, Step};

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
