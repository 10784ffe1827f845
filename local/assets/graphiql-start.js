// Shows GraphiQL for the schema of the page's own path.
ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({ url: location.pathname }),
    defaultEditorToolsVisibility: "headers",
    defaultHeaders: '{\n  "Authorization": ""\n}\n',
    defaultQuery: "{\n  me {\n    username\n    email\n    verified\n  }\n}\n",
  }),
);
