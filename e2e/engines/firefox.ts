// Firefox without a remote protocol: with one attached, workers of workers start late or never.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeHome, start, type Running } from './browser_process';

/** No first-run pages, no traffic of the browser's own, and windows that a page opens by itself. */
const preferences = {
  'app.update.disabledForTesting': true,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'datareporting.policy.dataSubmissionEnabled': false,
  'dom.disable_open_during_load': false,
  'dom.popup_maximum': -1,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': '',
  'toolkit.telemetry.enabled': false,
};

export function openFirefox(url: string): Running {
  const home = makeHome('firefox');
  const lines = Object.entries(preferences).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  writeFileSync(join(home, 'user.js'), lines.join(''));
  const command = process.env.FIREFOX ?? 'firefox-esr';
  return start(command, ['--headless', '--no-remote', '--profile', home, url], home);
}
