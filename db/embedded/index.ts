export { startDevelopmentPostgres, type DevelopmentPostgres } from "./development.ts";
export { startTestCluster, type TestCluster } from "./test-cluster.ts";
