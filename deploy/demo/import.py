#!/usr/bin/env python3
"""The whole way of a bonded import on a running demo: filed, bought, paid, declared, released, sent off, signed for, closed,
its taxes paid.

    chama demo &
    python3 deploy/demo/import.py            # or: import.py http://127.0.0.1:8000

It speaks GraphQL and nothing else, but for the button of the sandbox's page. Run again, it buys again.
"""
import json
import sys
import time
import urllib.parse
import urllib.request

SERVER = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
PASSWORD = "tea-for-horses"
SELLER = "huangdao-trading"


def ask(query, token=None, **variables):
    body = json.dumps({"query": query, "variables": variables}).encode()
    headers = {"content-type": "application/json", "accept-language": "en"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    answer = json.load(urllib.request.urlopen(urllib.request.Request(f"{SERVER}/graphql", body, headers)))
    if answer.get("errors"):
        sys.exit(f"{query}\n{answer['errors'][0]['message']}")
    return answer["data"]


def do(mutation, selection, token=None, may_refuse=(), **fields):
    kind = mutation[0].upper() + mutation[1:] + "Input"
    document = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {selection} userErrors {{ code message }} }} }}"
    payload = ask(document, token, input=fields)[mutation]
    for error in payload["userErrors"]:
        if error["code"] not in may_refuse:
            sys.exit(f"{mutation} is refused: {error['message']}")
    return payload


def organisation(slug):
    return ask("query($s: String!) { organisation(by: { slug: $s }) { id } }", s=slug)["organisation"]["id"]


def signed_in(name, acting_for=None):
    extra = {"organisationId": organisation(acting_for)} if acting_for else {}
    name = f"{name}@{acting_for}.demo.chama.example" if acting_for else f"{name}@demo.chama.example"
    return do("signIn", "tokens { accessToken }", name=name, password=PASSWORD, device="import.py", **extra)["tokens"]["accessToken"]


def until(what, look, good, seconds=30):
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        seen = look()
        if good(seen):
            return seen
        time.sleep(0.2)
    sys.exit(f"{what} did not come about: {json.dumps(seen, ensure_ascii=False)}")


def say(text):
    print(f"{time.monotonic() - BEGAN:5.1f} s  {text}")


BEGAN = time.monotonic()
seller, operator, buyer = signed_in("owner", SELLER), signed_in("operator", "xining-cbec-zone"), signed_in("consumer-1")

ids = {slug: organisation(slug) for slug in (SELLER, "heyue-customs", "tangfan-logistics", "hehuang-commerce-bank")}

# --- what must be there beforehand: who does what, a warehouse, goods that are offered, filed, in the account book
do("arrangeCustoms", "arrangement { version }", seller, mode="BONDED_IMPORT", declarerId=ids["heyue-customs"],
   carrierId=ids["tangfan-logistics"], payerId=ids["hehuang-commerce-bank"], guarantorId=ids[SELLER],
   customsCode="9701", portCode="9701")
do("depositGuarantee", "account { free { amount } }", operator, ["ALREADY_TAKEN"], guarantorId=ids[SELLER],
   amount={"amount": "100000.00", "currency": "CNY"}, reference="LG-DEMO-1")
do("createStockLocation", "location { id }", seller, ["ALREADY_TAKEN"], code="BW-DEMO", kind="BONDED_WAREHOUSE", name="保税仓")
places = ask("{ stockLocations(first: 100) { nodes { id code } } }", seller)["stockLocations"]["nodes"]
place = next(row["id"] for row in places if row["code"] == "BW-DEMO")
goods = ask("""{ products(first: 50, filter: { supplyModes: [BONDED_IMPORT] })
                 { nodes { name variants(first: 1) { nodes { id hsCode grossWeightG } } } } }""")["products"]["nodes"]
for product in goods:
    variant = product["variants"]["nodes"][0]
    filed = do("fileGoods", "filing { id state }", seller, ["NO_TARIFF", "NOT_ON_IMPORT_LIST", "REQUIRED", "INVALID_COUNTRY"],
               variantId=variant["id"], mode="BONDED_IMPORT", itemNo="DEMO-1", name=product["name"][:200],
               specification=f"品名:{product['name'][:200]}", unit="011",
               price={"amount": "100.00", "currency": "CNY"})["filing"]
    if filed:
        break
do("decideGoodsFiling", "filing { state }", operator, id=filed["id"], decision="APPROVE")
terms = {"supplyMode": "BONDED_IMPORT", "priceTiers": [{"price": {"amount": "100.00", "currency": "CNY"}}]}
offer = do("createOffer", "offer { id }", seller, ["ALREADY_TAKEN"], variantId=variant["id"], sku="DEMO-IMPORT-1", terms=terms)
if offer["offer"] is None:
    found = ask("""query($v: ID!) { node(id: $v) { ... on Variant { offers(first: 100) { nodes { id sku isMine } } } } }""",
                seller, v=variant["id"])["node"]["offers"]["nodes"]
    offer = {"offer": next(row for row in found if row["isMine"] and row["sku"] == "DEMO-IMPORT-1")}
offer = offer["offer"]["id"]
number = str(int(time.time()))
do("receiveStock", "moves { id }", seller, locationId=place, document=f"WB-{number}",
   lines=[{"variantId": variant["id"], "quantity": 5, "customsStatus": "BONDED"}])
item = do("fileBondedItem", "item { id }", seller, locationId=place, book="T9701W000001", number=int(number) % 99_999 + 1,
          variantId=variant["id"])["item"]["id"]
for event in ("PRE_INCREASE", "INCREASE"):
    do("noteBondedMovement", "", seller, itemId=item, event=event, quantity=5, document=f"QD-{number}")
say(f"filed and in stock: {product['name']} (HS {variant['hsCode']})")

# --- bought and paid; what stands behind # in the address has the simulated customs close the declaration in the end
do("setConsumerIdentity", "consumerIdentity { maskedName }", buyer, name="张晓宁", residentId="63010319900101001X")
do("setCartLines", "cart { lineCount }", buyer, lines=[{"offerId": offer, "quantity": 2}], division="630103")
quote = do("requestQuote", "quote { token totals { total { amount } tax { amount } } }", buyer, division="630103")["quote"]
checkout = do("placeOrder", "checkout { id orders { id number } }", buyer, quote=quote["token"],
              consignee={"name": "张晓宁", "mobile": "13800000000", "address": "青海省西宁市城中区示例路1号 #close"})["checkout"]
page = do("payCheckout", "started { redirectUrl }", buyer, id=checkout["id"], provider="SANDBOX", method="SANDBOX")
url = SERVER + urllib.parse.urlparse(page["started"]["redirectUrl"]).path
for press in range(2):  # an amount that ends in 02 is asked back about
    urllib.request.urlopen(urllib.request.Request(url, b"do=pay"))
order = checkout["orders"][0]
say(f"paid {quote['totals']['total']['amount']} yuan, {quote['totals']['tax']['amount']} of it taxes: order {order['number']}")

# --- declared and released
LOOK = """query($id: ID!) { order(id: $id) { state timeline(first: 50) { nodes { text note } }
          shipment { id state waybill }
          declaration { state blockers listNumber taxBill { number total { amount } payableFrom }
            documents { kind state statusName } matches { verdict } } } }"""
def look():
    return ask(LOOK, buyer, id=order["id"])["order"]
seen = until("the release", look, lambda seen: seen["declaration"] and seen["declaration"]["state"] in ("RELEASED", "CLOSED"))
matched = sum(row["verdict"] == "MATCH" for row in seen["declaration"]["matches"])
for paper in seen["declaration"]["documents"]:
    say(f"  {paper['kind']}: {paper['statusName']}")
say(f"released as list {seen['declaration']['listNumber']}; {matched} rules of the match hold")

# --- sent off and signed for
weight = 2 * variant["grossWeightG"]
do("packShipment", "shipment { state }", seller, id=seen["shipment"]["id"], units=[{"weightG": weight}])
do("gateOut", "shipment { state }", seller, id=seen["shipment"]["id"], weighedG=weight)
say(f"out of the gate as {seen['shipment']['waybill']}")
seen = until("that it was signed for", look, lambda seen: seen["state"] == "COMPLETED", 60)
bill = seen["declaration"]["taxBill"]
say(f"signed for; tax bill {bill['number']} over {bill['total']['amount']} yuan, payable from {bill['payableFrom']}")
for event in seen["timeline"]["nodes"]:
    say(f"  {event['text']}" + (f" ({event['note']})" if event["note"] else ""))
until("that customs closes it", look, lambda seen: seen["declaration"]["state"] == "CLOSED")
say("closed at customs")

# --- the taxes, which the seller's guarantee answered for
ACCOUNT = """query($id: ID!) { guaranteeAccount(guarantorId: $id) { bound { amount } free { amount }
             bills(first: 100) { nodes { id number } } } }"""
account = ask(ACCOUNT, operator, id=ids[SELLER])["guaranteeAccount"]
own = next(row["id"] for row in account["bills"]["nodes"] if row["number"] == bill["number"])
do("payTaxBill", "bill { paidAt }", operator, id=own, paymentNumber=f"PAY-{number}")
after = ask(ACCOUNT, operator, id=ids[SELLER])["guaranteeAccount"]
say(f"taxes paid; of the guarantee {account['bound']['amount']} yuan were bound, now {after['bound']['amount']}")
