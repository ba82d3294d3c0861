import webpack from "webpack";

const stats = await new Promise((resolve, reject) => {
  webpack(
    {
      mode: "production",
      target: "web",
      entry: "./page.mjs",
      output: { path: `${import.meta.dirname}/built`, filename: "webpack.js" },
      performance: false,
      optimization: { minimize: false },
    },
    (error, result) => (error === null ? resolve(result) : reject(error)),
  );
});
if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString());
