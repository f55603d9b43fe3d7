// GraphiQL with one tab an example. "Headers" below the editor takes a token: {"authorization": "Bearer …"}.
const zh = '{ "accept-language": "zh-CN" }';
const en = '{ "accept-language": "en" }';
const tabs = [
  {
    headers: en,
    query: `# Welcome to Chama (茶马). Press play, or Ctrl-Enter.
# More examples are in the other tabs;
# the book icon on the left opens the schema.
query Products {
  products(first: 5) {
    totalCount
    nodes {
      id
      slug
      name
      category { name }
      brand { name }
      price { amount currency }
      availability
    }
    pageInfo { endCursor hasNextPage }
  }
}`,
  },
  {
    headers: en,
    query: `# Sign in as a seller of the demo zone. Put the accessToken into "Headers" below, in any tab:
# { "authorization": "Bearer …" }
mutation SignIn {
  signIn(
    input: { name: "owner@hehuang-carpet.demo.chama.example", password: "tea-for-horses", device: "GraphiQL" }
  ) {
    tokens {
      accessToken
      accessTokenExpiresAt
      refreshToken
      session { id }
    }
    userErrors { code message }
  }
}`,
  },
  {
    headers: zh,
    query: `# 藏毯绒纺类目下的出口商品，按美元价格从低到高
# (change accept-language to "en" below)
query Carpets {
  category(by: { slug: "tibetan-carpets-wool" }) { id name productCount }
  products(
    first: 10
    filter: { tags: [TIBETAN_CARPETS_WOOL], supplyModes: [EXPORT_B2B] }
    orderBy: { field: PRICE, direction: ASC, currency: "USD" }
  ) {
    nodes {
      name
      price(currency: "USD") { amount currency }
      cheapestOffer(currency: "USD") {
        seller { name }
        minimumOrder
        leadTimeDays
      }
    }
  }
}`,
  },
  {
    headers: en,
    query: `# One product with everything:
# variants with customs data, every seller's price tiers.
query OneProduct {
  products(first: 1, filter: { text: "rug" }) {
    nodes {
      name description
      attributes { name label }
      variants { nodes { code name gtin hsCode origin netWeightG unit1 } }
      offers {
        totalCount
        nodes {
          sku
          supplyMode
          minimumOrder
          seller { name }
          priceTiers { minimumQuantity price { amount currency } }
        }
      }
    }
  }
}`,
  },
  {
    headers: zh,
    query: `# 类目树
query Categories {
  categories(topOnly: true) {
    nodes {
      slug
      name
      productCount
      children { nodes { slug name productCount } }
    }
  }
}`,
  },
  {
    headers: en,
    query: `# Who trades here, and where.
query Zone {
  places { nodes { kind name } }
  organisations(first: 50, role: SELLER) {
    totalCount
    nodes { slug name roles place { name } }
  }
}`,
  },
];
const fetcher = async (body, options) => {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json', ...(options?.headers ?? {}) },
    body: JSON.stringify(body),
  });
  return response.json();
};
ReactDOM.createRoot(document.getElementById('graphiql')).render(
  // Headers are not kept in the browser: they may hold a token.
  React.createElement(GraphiQL, { fetcher, defaultTabs: tabs, defaultHeaders: en, defaultEditorToolsVisibility: 'headers' }),
);
