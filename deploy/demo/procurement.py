#!/usr/bin/env python3
"""The whole way of a purchase on a running demo: asked of three suppliers, quoted under seal, opened, compared, awarded to
two, approved, sent, acknowledged, delivered in two parts of which two pieces are no good, billed wrongly and then rightly,
and owed.

    chama demo &
    python3 deploy/demo/procurement.py            # or: procurement.py http://127.0.0.1:8000

It speaks GraphQL and nothing else. Run again, it buys again. What is ordered of a supplier within a week counts together:
after some runs the owner has to approve as well.
"""
import functools
import hashlib
import json
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone

SERVER = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
PASSWORD = "tea-for-horses"
BUYER = "huangdao-trading"
SUPPLIERS = ("hehuang-carpet", "doma-rugs", "jiangta-wool")
BIDDING = 15  # seconds


def ask(query, token=None, **variables):
    body = json.dumps({"query": query, "variables": variables}).encode()
    headers = {"content-type": "application/json", "accept-language": "en"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    try:
        answer = json.load(urllib.request.urlopen(urllib.request.Request(f"{SERVER}/graphql", body, headers)))
    except urllib.error.HTTPError as refused:
        answer = json.load(refused)
    except urllib.error.URLError:
        sys.exit(f"nobody answers at {SERVER}: start it with `chama demo`")
    for error in answer.get("errors") or ():
        if error.get("extensions", {}).get("code") == "RATE_LIMITED":  # of signing in, when this runs again and again
            time.sleep(error["extensions"]["retryAfter"])
            return ask(query, token, **variables)
        sys.exit(f"{query}\n{error['message']}")
    return answer["data"]


def do(mutation, selection, token=None, may_refuse=(), **fields):
    kind = mutation[0].upper() + mutation[1:] + "Input"
    selection += " userErrors { code field message }"
    document = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {selection} }} }}"
    payload = ask(document, token, input=fields)[mutation]
    for error in payload["userErrors"]:
        if error["code"] not in may_refuse:
            sys.exit(f"{mutation} is refused: {error['message']} ({error['code']}, {'.'.join(error['field'] or ['input'])})")
    return payload


def refused(mutation, code, token, **fields):
    """Does what has to be refused; answers with why it is."""
    payload = do(mutation, "clientMutationId", token, [code], **fields)
    demand(payload["userErrors"], f"{mutation} is done, and should be refused with {code}")
    return payload["userErrors"][0]["message"]


def demand(holds, otherwise):
    if not holds:
        sys.exit(otherwise)


@functools.cache
def organisation(slug):
    return ask("query($s: String!) { organisation(by: { slug: $s }) { id } }", s=slug)["organisation"]["id"]


@functools.cache
def signed_in(name, acting_for=BUYER):
    name = f"{name}@{acting_for}.demo.chama.example"
    tokens = do("signIn", "tokens { accessToken }", None, ["SIGN_IN_REFUSED"], name=name, password=PASSWORD,
                device="procurement.py", organisationId=organisation(acting_for))["tokens"]
    demand(tokens, f"{name} cannot sign in: when the demo's data are older than this script, delete their folder")
    return tokens["accessToken"]


def until(what, look, good, seconds=30):
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        seen = look()
        if good(seen):
            return seen
        time.sleep(0.2)
    sys.exit(f"{what} did not come about: {json.dumps(seen, ensure_ascii=False)}")


def wait(moment):
    """Waits for a moment, and counts down on the screen."""
    while (left := (moment - datetime.now(timezone.utc)).total_seconds()) > 0:
        if sys.stdout.isatty():
            print(f"         {left:3.0f} s until the deadline", end=" \r", flush=True)
        time.sleep(min(left, 1))


def say(text):
    print(f"{time.monotonic() - BEGAN:5.1f} s  {text}", flush=True)


def day(days):
    """The business day, Xining's, so many days from today."""
    return str((datetime.now(timezone.utc) + timedelta(hours=8)).date() + timedelta(days=days))


def price(amount, currency="CNY"):
    return {"amount": amount, "currency": currency}


BEGAN = time.monotonic()
purchaser, receiver, clerk = signed_in("purchaser"), signed_in("receiver"), signed_in("accounts-clerk")
# Who keeps a supplier's catalog quotes for it, and agrees to its orders.
suppliers = {slug: signed_in("catalog-manager", slug) for slug in SUPPLIERS}
hehuang, doma, jiangta = (organisation(slug) for slug in SUPPLIERS)
run = f"{time.time_ns() // 1_000_000:013d}"

# --- what must be there beforehand: a warehouse, and goods to ask for
do("createStockLocation", "location { id }", receiver, ["ALREADY_TAKEN"], code="PO-DEMO", kind="DUTY_PAID_WAREHOUSE",
   name="采购仓")
places = ask("{ stockLocations(first: 100) { nodes { id code } } }", receiver)["stockLocations"]["nodes"]
place = next(row["id"] for row in places if row["code"] == "PO-DEMO")
PRODUCT = "query($s: String!) { product(by: { slug: $s }) { name variants(first: 1) { nodes { id } } } }"
wanted = []
for slug, quantity in (("viscose-lustre-woven-rug", 100), ("undyed-yak-sheep-blend-rug", 20)):
    product = ask(PRODUCT, s=slug)["product"]
    wanted.append({"variantId": product["variants"]["nodes"][0]["id"], "description": product["name"],
                   "quantity": quantity, "unit": "件"})

# --- asked of three suppliers
deadline = datetime.now(timezone.utc) + timedelta(seconds=BIDDING)
rfq = do("createRfq", "rfq { id version }", purchaser, title=f"Rugs for the fair {run}", currency="CNY", lines=wanted,
         deadline=deadline.isoformat(), neededOn=day(60), deliverToId=place, supplierIds=[hehuang, doma, jiangta])["rfq"]
rfq = do("publishRfq", "rfq { id number lines(first: 10) { nodes { id } } }", purchaser, id=rfq["id"],
         expectedVersion=rfq["version"])["rfq"]
first, second = (line["id"] for line in rfq["lines"]["nodes"])
say(f"asked: {rfq['number']}, sealed for {BIDDING} s, of {', '.join(SUPPLIERS)}")

# --- quoted: the prices of both lines by quantity, and what else each offers
quotations = {}
for slug, currency, prices, terms in (
        ("hehuang-carpet", "CNY", [{1: "495.00", 100: "480.00"}, {1: "2050.00"}], {"incoterm": "DDP", "leadDays": 14}),
        ("doma-rugs", "CNY", [{1: "470.00"}, {1: "1900.00"}], {"incoterm": "FCA", "leadDays": 20}),
        ("jiangta-wool", "USD", [{1: "63.00"}, {1: "275.00"}], {"incoterm": "DAP", "leadDays": 45})):
    lines = [{"lineId": line, "taxPpm": 130_000,
              "tiers": [{"minQuantity": n, "price": price(amount, currency)} for n, amount in tiers.items()]}
             for line, tiers in zip((first, second), prices)]
    quotations[slug] = do("submitQuotation", "quotation { id }", suppliers[slug], rfqId=rfq["id"], currency=currency,
                          namedPlace="西宁", paymentDays=30, validUntil=day(30), lines=lines, **terms)["quotation"]["id"]
say("quoted by all three")

# --- before the deadline nobody but its supplier reads a quotation. What it is compared by is said, nothing is guessed
assumptions = {
    "currency": "CNY",
    "weights": {"pricePercent": 50, "leadPercent": 25, "qualityPercent": 25},
    "rates": [{"currency": "USD", "fx": {"rate": "7.12", "source": "made up for the demo", "on": day(0)}}],
    "carriage": [{"supplierId": doma, "freight": "12.00"}],
    "duties": [{"ratePpm": 0, "source": "made in the country"}],
    "quality": [{"supplierId": id, "points": points} for id, points in ((hehuang, 92), (doma, 95), (jiangta, 80))],
}
SEEN = """query($rfq: ID!, $quotation: ID!, $given: AssumptionsInput!) { quotation(id: $quotation) { id }
          rfq(id: $rfq) { state quotationCount quotations(first: 10) { nodes { id } } }
          compareQuotations(rfqId: $rfq, assumptions: $given) { round } comparisonSheet(rfqId: $rfq, assumptions: $given) }"""


def sees(token):
    seen = ask(SEEN, token, rfq=rfq["id"], quotation=quotations["doma-rugs"], given=assumptions)
    there = seen.pop("rfq")
    return {**seen, **there, "quotations": [row["id"] for row in there["quotations"]["nodes"]]}


sealed = {"state": "PUBLISHED", "quotation": None, "compareQuotations": None, "comparisonSheet": None}
for who, token, count, own in (("the buyer", purchaser, 3, []), ("hehuang-carpet", suppliers["hehuang-carpet"], None,
                                                                 [quotations["hehuang-carpet"]])):
    seen = sees(token)
    demand(seen == {**sealed, "quotationCount": count, "quotations": own}, f"{who} sees what is sealed: {seen}")
    say(f"{who} sees {len(own)} of them, their count as {json.dumps(count)}, and as null: comparison, sheet, what doma-rugs quotes")
say(f"the buyer cannot open them: {refused('openBids', 'SEALED', purchaser, id=rfq['id'])}")
wait(deadline)
seen = until("that the clock opens the bids", lambda: sees(purchaser), lambda seen: seen["state"] == "CLOSED")
say(f"opened by the clock: the buyer sees {len(seen['quotations'])} of them")

# --- compared, a column for each supplier
COLUMNS = """columns { supplierId incoterm currency leadDays quality priceRank scoreRank total { amount } points { score }
             cells { landed priceRank unitPrice { amount } } }"""
kept = do("keepComparison", f"comparison {{ id reproducible resultSha256 result {{ {COLUMNS} }} }}", purchaser,
          rfqId=rfq["id"], assumptions=assumptions)["comparison"]
columns = {column["supplierId"]: column for column in kept["result"]["columns"]}
columns = [columns[id] for id in (hehuang, doma, jiangta)]
table = [("", SUPPLIERS), ("quoted under", [f"{one['incoterm']} {one['currency']}" for one in columns])]
for n, line in enumerate(wanted):
    cells = [one["cells"][n] for one in columns]
    table += [(f"{line['quantity']} x {line['description']}"[:34], [cell["unitPrice"]["amount"] for cell in cells]),
              ("  landed, CNY (price rank)", [f"{cell['landed']} ({cell['priceRank']})" for cell in cells])]
table += [("all of it landed, CNY", [one["total"]["amount"] for one in columns]),
          ("PRICE RANK", [one["priceRank"] for one in columns]),
          ("days until it comes", [one["leadDays"] for one in columns]),
          ("quality, of 100", [one["quality"] for one in columns]),
          ("score (price 50, days 25, quality 25)", [one["points"]["score"] for one in columns]),
          ("SCORE RANK", [one["scoreRank"] for one in columns])]
demand(kept["reproducible"], "the comparison comes out otherwise when it is computed again")
say(f"compared; computed again it is the same, result {kept['resultSha256'][:16]}…")
for name, values in table:
    print(f"         {name:<38}" + "".join(f"{value:>16}" for value in values))

# --- awarded to two: of the first line not to the cheapest, which takes a reason
awards = [{"lineId": first, "quotationId": quotations["hehuang-carpet"], "quantity": 100, "reason": "Here for the fair"},
          {"lineId": second, "quotationId": quotations["doma-rugs"], "quantity": 20}]
state = do("awardRfq", "rfq { state }", purchaser, rfqId=rfq["id"], comparisonId=kept["id"], lines=awards)["rfq"]["state"]
ORDER = """id number version state supplier { slug } total { amount } countedTotal { amount } approvals { title state }
           lines(first: 10) { nodes { id } }"""
orders = do("convertAwardsToOrders", f"purchaseOrders {{ {ORDER} }}", purchaser, rfqId=rfq["id"])["purchaseOrders"]
say(f"{state}, and split in one step: " + ", ".join(f"{one['number']} to {one['supplier']['slug']}" for one in orders))


# --- approved by people who did not ask for it, sent, acknowledged
def step(mutation, token, order, **fields):
    return do(mutation, f"purchaseOrder {{ {ORDER} }}", token, id=order["id"], expectedVersion=order["version"],
              **fields)["purchaseOrder"]


agreed = {}
for order in orders:
    slug, order = order["supplier"]["slug"], step("submitPurchaseOrder", purchaser, order)
    say(f"{order['number']}: {order['total']['amount']} yuan; {slug}'s of a week together {order['countedTotal']['amount']}")
    for name in ("approver-1", "approver-2", "owner"):
        waiting = [one["title"] for one in order["approvals"] if one["state"] == "WAITING"]
        if waiting:
            order = step("decidePurchaseApproval", signed_in(name), order, decision="APPROVE")
            say(f"  approved by {name} ({waiting[0]})")
    agreed[slug] = step("acknowledgePurchaseOrder", suppliers[slug], step("sendPurchaseOrder", purchaser, order))
    say(f"  sent, and {agreed[slug]['state']} by {slug}")

# --- delivered in two parts: of the first two pieces are no good
order = agreed["hehuang-carpet"]
ordered = order["lines"]["nodes"][0]["id"]
for n, line in enumerate(({"delivered": 60, "accepted": 58, "rejected": 2, "reason": "DAMAGED"},
                          {"delivered": 40, "accepted": 40, "rejected": 0})):
    receipt = do("postGoodsReceipt", "goodsReceipt { number lines(first: 1) { nodes { delivered accepted rejected } } }",
                 receiver, orderId=order["id"], deliveryNote=f"SH-{run}-{n}", lines=[{"orderLineId": ordered, **line}])
    receipt, came = receipt["goodsReceipt"], receipt["goodsReceipt"]["lines"]["nodes"][0]
    say(f"received {receipt['number']}: {came['delivered']} came, {came['accepted']} accepted, {came['rejected']} rejected")


# --- billed wrongly, and rightly
def bill(number, quantity, **more):
    selection = """supplierInvoice { id version state total { amount } }
                   match { passed lines(wrongOnly: true) { issues quantityOver } }"""
    line = {"orderLineId": ordered, "quantity": quantity, "price": price("480.00"), "taxPpm": 130_000}
    answer = do("recordSupplierInvoice", selection, clerk, supplierId=hehuang, kind="DIGITAL_VAT", currency="CNY",
                invoiceNo=f"2663{run}{number:03d}", issueDate=day(0), lines=[line], **more)
    return answer["supplierInvoice"], answer["match"]


wrong, fits = bill(1, 100)
demand(wrong["state"] == "EXCEPTION", f"two rejected pieces are billed, and it fits: {wrong}")
misfit = fits["lines"][0]
say(f"billed 100: {wrong['state']}, {misfit['issues'][0]}, {misfit['quantityOver']} more than were accepted")
why = refused("approveSupplierInvoice", "MATCH_EXCEPTION", clerk, id=wrong["id"], expectedVersion=wrong["version"])
say(f"it is recorded, and not approved: {why}")
right, fits = bill(2, 98, correctsId=wrong["id"])
demand(right["state"] == "MATCHED", f"the corrected invoice does not fit: {fits}")
say(f"corrected to 98: {right['state']}, {right['total']['amount']} yuan with tax")
payable = do("approveSupplierInvoice", "payable { id face { amount } dueDate }", clerk, id=right["id"],
             expectedVersion=right["version"])["payable"]
say(f"approved: {payable['face']['amount']} yuan are owed until {payable['dueDate']}")

# --- owed: the supplier has a receivable with its evidence, and no other supplier sees it
OWED = """query($id: ID!) { receivable(id: $id) { debtor { slug } outstanding { amount } evidence evidenceSha256
          documents { role number sha256 } } }"""
owed = ask(OWED, suppliers["hehuang-carpet"], id=payable["id"])["receivable"]
demand(ask(OWED, suppliers["doma-rugs"], id=payable["id"])["receivable"] is None, "a supplier sees what another is owed")
for paper in owed["documents"]:
    say(f"  {paper['role']:<8} {paper['number'] or '':<22} {paper['sha256']}")
computed = hashlib.sha256(owed["evidence"].encode()).hexdigest()
demand(computed == owed["evidenceSha256"], "the evidence has another hash than is said")
say(f"receivable of hehuang-carpet: {owed['outstanding']['amount']} yuan from {owed['debtor']['slug']}, evidence {computed}")
