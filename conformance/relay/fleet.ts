// What a web app would write for Relay: a page with @connection in either direction, a node fetched again, a change.
import { graphql } from 'relay-runtime';

graphql`
  query fleetVehiclesQuery($count: Int!) {
    ...fleet_vehicles @arguments(count: $count)
  }
`;
graphql`
  fragment fleet_vehicles on Query
  @argumentDefinitions(count: { type: "Int!" }, cursor: { type: "String" })
  @refetchable(queryName: "fleetVehiclesPageQuery") {
    vehicles(first: $count, after: $cursor, orderBy: { field: NAME }) @connection(key: "fleet_vehicles") {
      totalCount
      edges {
        node {
          ...fleet_vehicle
        }
      }
    }
  }
`;
graphql`
  fragment fleet_vehicle on Vehicle @refetchable(queryName: "fleetVehicleQuery") {
    name
    socPercent
    socAt
    depot {
      name
    }
  }
`;
graphql`
  fragment fleet_latest on Query
  @argumentDefinitions(count: { type: "Int!" }, cursor: { type: "String" })
  @refetchable(queryName: "fleetLatestPageQuery") {
    transactions(last: $count, before: $cursor, filter: { state: ENDED }) @connection(key: "fleet_transactions") {
      edges {
        node {
          energyWh
        }
      }
    }
  }
`;
graphql`
  mutation fleetPriorityMutation($input: SetPriorityInput!) {
    setPriority(input: $input) {
      priority @appendNode(connections: [], edgeTypeName: "PriorityEdge") { id level vehicle { ...fleet_vehicle } }
    }
  }
`;
