"""The classes of objects by version, as routes declare them. Those of the Locations module are in `location_models`."""

from ampyard.ocpi.modules import each
from ampyard.ocpi.v2_2_1 import cdrs as cdrs_2_2_1
from ampyard.ocpi.v2_2_1 import commands as commands_2_2_1
from ampyard.ocpi.v2_2_1 import credentials as credentials_2_2_1
from ampyard.ocpi.v2_2_1 import hub_client_info as hub_client_info_2_2_1
from ampyard.ocpi.v2_2_1 import locations as locations_2_2_1
from ampyard.ocpi.v2_2_1 import sessions as sessions_2_2_1
from ampyard.ocpi.v2_2_1 import tariffs as tariffs_2_2_1
from ampyard.ocpi.v2_2_1 import tokens as tokens_2_2_1
from ampyard.ocpi.v2_3_0 import cdrs as cdrs_2_3_0
from ampyard.ocpi.v2_3_0 import credentials as credentials_2_3_0
from ampyard.ocpi.v2_3_0 import hub_client_info as hub_client_info_2_3_0
from ampyard.ocpi.v2_3_0 import locations as locations_2_3_0
from ampyard.ocpi.v2_3_0 import payments
from ampyard.ocpi.v2_3_0 import sessions as sessions_2_3_0
from ampyard.ocpi.v2_3_0 import tariffs as tariffs_2_3_0
from ampyard.ocpi.wire import charging_profiles, commands, sessions, tokens, versions

VERSION = each(versions.Version, versions.Version)
VERSION_DETAILS = each(versions.VersionDetails, versions.VersionDetails)
CREDENTIALS = each(credentials_2_2_1.Credentials, credentials_2_3_0.Credentials)

LOCATION = each(locations_2_2_1.Location, locations_2_3_0.Location)
EVSE = each(locations_2_2_1.Evse, locations_2_3_0.Evse)
CONNECTOR = each(locations_2_2_1.Connector, locations_2_3_0.Connector)
TARIFF = each(tariffs_2_2_1.Tariff, tariffs_2_3_0.Tariff)
SESSION = each(sessions_2_2_1.Session, sessions_2_3_0.Session)
CHARGING_PREFERENCES = each(sessions.ChargingPreferences, sessions.ChargingPreferences)
CHARGING_PREFERENCES_RESPONSE = each(sessions.ChargingPreferencesResponse, sessions.ChargingPreferencesResponse)
CDR = each(cdrs_2_2_1.Cdr, cdrs_2_3_0.Cdr)

TOKEN = each(tokens_2_2_1.Token, tokens.Token)
LOCATION_REFERENCES = each(tokens.LocationReferences, tokens.LocationReferences)
AUTHORIZATION_INFO = each(tokens_2_2_1.AuthorizationInfo, tokens.AuthorizationInfo)

CANCEL_RESERVATION = each(commands.CancelReservation, commands.CancelReservation)
RESERVE_NOW = each(commands_2_2_1.ReserveNow, commands.ReserveNow)
START_SESSION = each(commands_2_2_1.StartSession, commands.StartSession)
STOP_SESSION = each(commands.StopSession, commands.StopSession)
UNLOCK_CONNECTOR = each(commands.UnlockConnector, commands.UnlockConnector)
COMMAND_RESPONSE = each(commands.CommandResponse, commands.CommandResponse)
COMMAND_RESULT = each(commands.CommandResult, commands.CommandResult)

SET_CHARGING_PROFILE = each(charging_profiles.SetChargingProfile, charging_profiles.SetChargingProfile)
ACTIVE_CHARGING_PROFILE = each(charging_profiles.ActiveChargingProfile, charging_profiles.ActiveChargingProfile)
CHARGING_PROFILE_RESPONSE = each(charging_profiles.ChargingProfileResponse, charging_profiles.ChargingProfileResponse)
CHARGING_PROFILE_RESULT = each(charging_profiles.ChargingProfileResult, charging_profiles.ChargingProfileResult)
ACTIVE_CHARGING_PROFILE_RESULT = each(charging_profiles.ActiveChargingProfileResult, charging_profiles.ActiveChargingProfileResult)
CLEAR_PROFILE_RESULT = each(charging_profiles.ClearProfileResult, charging_profiles.ClearProfileResult)

CLIENT_INFO = each(hub_client_info_2_2_1.ClientInfo, hub_client_info_2_3_0.ClientInfo)

# Payments are a module of 2.3.0 alone.
TERMINAL = {"2.3.0": payments.Terminal}
NEW_TERMINAL = {"2.3.0": payments.NewTerminal}
TERMINAL_ACTIVATION = {"2.3.0": payments.TerminalActivation}
FINANCIAL_ADVICE_CONFIRMATION = {"2.3.0": payments.FinancialAdviceConfirmation}
