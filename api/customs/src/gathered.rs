//! All that the papers of a declaration are made of, read in a fixed number of statements: who is who at customs, what is
//! filed of the goods, which items of the account book they are.

use std::collections::HashMap;

use entities::{
    catalog::SupplyMode,
    customs::{
        arrangement,
        declaration::{self, Blocker},
        goods_filing::{self, GoodsFilingState},
        sale::{FiledLine, Parties, Party, Sale},
    },
    inventory::location,
    party::{OrganisationRole, organisation, organisation_role},
    values::{
        CountryCode, HsCode, Locale,
        id::{OrganisationId, VariantId},
    },
};
use inventory::book;
use platform::error::Error;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

/// What papers are made of.
#[derive(Debug)]
pub(super) struct Gathered {
    pub sale: Sale,
    pub arrangement: arrangement::Model,
    pub parties: Parties,
    pub book: Option<String>,
    filings: HashMap<VariantId, goods_filing::Model>,
    record_nos: HashMap<VariantId, i32>,
}

impl Gathered {
    /// The lines with what is filed of their goods.
    pub(super) fn lines(&self) -> Vec<FiledLine<'_>> {
        let filed = |line| {
            let line: &entities::customs::sale::SaleLine = line;
            let filing = self.filings.get(&line.variant)?;
            Some(FiledLine { line, filing, record_no: self.record_nos.get(&line.variant).copied() })
        };
        self.sale.lines.iter().filter_map(filed).collect()
    }

    /// What a waybill says that is in the parcel.
    pub(super) fn goods(&self) -> String {
        let names: Vec<&str> = self.lines().iter().map(|line| line.filing.name.as_str()).collect();
        names.join(";")
    }
}

/// An organisation as customs knows it; none: it has no code.
pub(super) fn party(row: &organisation::Model) -> Option<Party> {
    let code = row.customs_code.as_ref().map(|code| code.as_str().to_owned());
    let code = code.or_else(|| row.uscc.as_ref().map(|code| code.as_str().to_owned()))?;
    let name = row.name.read(&Locale::zh_cn()).unwrap_or(&code).chars().take(100).collect();
    Some(Party { code, name })
}

/// The organisation that runs the platform.
pub(super) async fn platform(db: &impl ConnectionTrait) -> Result<Option<OrganisationId>, Error> {
    let row = organisation_role::Entity::find()
        .filter(organisation_role::Column::Role.eq(OrganisationRole::Platform))
        .one(db)
        .await?;
    Ok(row.map(|row| row.organisation_id))
}

/// Who does what for a seller in a mode.
pub(super) async fn arranged(
    db: &impl ConnectionTrait,
    seller: OrganisationId,
    mode: SupplyMode,
) -> Result<Option<arrangement::Model>, Error> {
    let row = arrangement::Entity::find()
        .filter(arrangement::Column::SellerId.eq(seller))
        .filter(arrangement::Column::Mode.eq(mode));
    Ok(row.one(db).await?)
}

/// Reads all of it; or says what is missing.
pub(super) async fn gather(
    db: &impl ConnectionTrait,
    row: &declaration::Model,
    sale: Sale,
) -> Result<Result<Gathered, Vec<Blocker>>, Error> {
    let Some(arrangement) = arranged(db, row.seller_id, row.mode).await? else {
        return Ok(Err(vec![Blocker::NoArrangement]));
    };
    let bonded = row.mode == SupplyMode::BondedImport;
    let keeper = match row.location_id.filter(|_| bonded) {
        Some(id) => location::Entity::find_by_id(id).one(db).await?.map(|row| row.organisation_id),
        None => None,
    };
    let Some(platform) = platform(db).await? else { return Ok(Err(vec![Blocker::NoArrangement])) };
    let known = [
        platform,
        row.seller_id,
        arrangement.payer_id,
        arrangement.carrier_id,
        arrangement.declarer_id,
        arrangement.guarantor_id,
    ];
    let ids: Vec<OrganisationId> = known.into_iter().chain(keeper).collect();
    let found = organisation::Entity::find().filter(organisation::Column::Id.is_in(ids)).all(db).await?;
    let of = |id: OrganisationId| found.iter().find(|found| found.id == id).and_then(party);
    let [platform, merchant, payer, carrier, declarer, guarantor] = known.map(of);
    let warehouse = keeper.and_then(of);
    let mut blockers = Vec::new();
    let variants: Vec<VariantId> = sale.lines.iter().map(|line| line.variant).collect();
    let filings: HashMap<VariantId, goods_filing::Model> = goods_filing::Entity::find()
        .filter(goods_filing::Column::SellerId.eq(row.seller_id))
        .filter(goods_filing::Column::Mode.eq(row.mode))
        .filter(goods_filing::Column::State.eq(GoodsFilingState::Approved))
        .filter(goods_filing::Column::VariantId.is_in(variants.iter().copied()))
        .all(db)
        .await?
        .into_iter()
        // What was taxed under another code, or as of another origin, is not what is filed.
        .filter(|filing| {
            let mut of = sale.lines.iter().filter(|line| line.variant == filing.variant_id);
            let same = |(code, origin): &(HsCode, CountryCode)| *code == filing.hs_code && *origin == filing.origin;
            of.all(|line| line.taxed_as.as_ref().is_none_or(same))
        })
        .map(|filing| (filing.variant_id, filing))
        .collect();
    if !variants.iter().all(|variant| filings.contains_key(variant)) {
        blockers.push(Blocker::GoodsNotFiled);
    }
    let (mut book, mut record_nos) = (None, HashMap::new());
    if bonded {
        let mut spread = false;
        for item in book::locked_for(db, &row.document).await? {
            // A list names one book.
            let name = item.book.as_str().to_owned();
            spread |= book.get_or_insert_with(|| name.clone()) != &name;
            // A line of a list names one item: what is locked under two is not declared as if it were of one.
            spread |= record_nos.insert(item.variant_id, item.number).is_some_and(|before| before != item.number);
        }
        if spread || !variants.iter().all(|variant| record_nos.contains_key(variant)) {
            blockers.push(Blocker::NotInBook);
        }
    }
    let all = (platform, merchant, payer, carrier, declarer, guarantor);
    let (Some(platform), Some(merchant), Some(payer), Some(carrier), Some(declarer), Some(guarantor)) = all else {
        blockers.push(Blocker::NoCode);
        return Ok(Err(blockers));
    };
    if bonded && warehouse.is_none() {
        blockers.push(Blocker::NoCode);
    }
    if !blockers.is_empty() {
        return Ok(Err(blockers));
    }
    let parties = Parties { platform, merchant, payer, carrier, declarer, guarantor, warehouse };
    Ok(Ok(Gathered { sale, arrangement, parties, book, filings, record_nos }))
}
