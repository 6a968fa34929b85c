/**
 * @file The file that makes a miner a service of the person's own session: a systemd user unit, a launchd agent, or a task of
 * Windows' Task Scheduler. Pure text.
 */

export interface ServicePlan {
  /** The miner's `--instance`: each has a service of its own. */
  readonly instance: string;
  /** Absolute paths and arguments: what is run. */
  readonly command: readonly string[];
  /** Where it runs. */
  readonly workingDir: string;
  readonly logFile: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Unit, task or, with dots, label; the instance that needs no name has none here either. */
export const serviceName = (instance: string): string =>
  instance === 'main' ? 'alice-miner' : `alice-miner-${instance}`;
export const launchdLabel = (instance: string): string =>
  instance === 'main' ? 'network.alice.miner' : `network.alice.miner.${instance}`;

const titleOf = ({ instance }: ServicePlan): string =>
  instance === 'main' ? 'Alice miner' : `Alice miner ${instance}`;

/** A systemd user unit: restarted when it fails, with a low share of the processor when others want it. */
export function systemdUnit(plan: ServicePlan): string {
  const { command, workingDir, environment } = plan;
  const variables = Object.entries(environment).map(
    ([name, value]) => `Environment=${quoted(`${name}=${value}`)}`,
  );
  return [
    '[Unit]',
    `Description=${titleOf(plan)}`,
    'After=network-online.target',
    '',
    '[Service]',
    `ExecStart=${command.map(quoted).join(' ')}`,
    `WorkingDirectory=${workingDir.replaceAll('%', '%%')}`,
    ...variables,
    'Restart=on-failure',
    'RestartSec=10',
    'Nice=10',
    'KillSignal=SIGINT',
    'TimeoutStopSec=60',
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ].join('\n');
}

/** systemd reads `"`, `\`, `$` and `%` in a command; each is written so that it means itself. */
function quoted(word: string): string {
  return `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('$', '$$$$').replaceAll('%', '%%')}"`;
}

/** A launchd agent: starts at login, restarted when it fails. */
export function launchdAgent({ instance, command, workingDir, logFile, environment }: ServicePlan): string {
  const strings = (words: readonly string[]): string =>
    words.map((word) => `    <string>${escaped(word)}</string>`).join('\n');
  const variables = Object.entries(environment).map(
    ([name, value]) => `    <key>${escaped(name)}</key>\n    <string>${escaped(value)}</string>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${launchdLabel(instance)}</string>
  <key>ProgramArguments</key>
  <array>
${strings(command)}
  </array>
  <key>WorkingDirectory</key>
  <string>${escaped(workingDir)}</string>
  <key>EnvironmentVariables</key>
  <dict>
${variables.join('\n')}
  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>LowPriorityIO</key>
  <true/>
  <key>Nice</key>
  <integer>10</integer>
  <key>StandardOutPath</key>
  <string>${escaped(logFile)}</string>
  <key>StandardErrorPath</key>
  <string>${escaped(logFile)}</string>
</dict>
</plist>
`;
}

/**
 * A task of Windows' Task Scheduler (schema 1.2): starts when this person logs on, is started again a minute after it fails,
 * and has a low priority. Windows reads such a file as UTF-16.
 */
export function windowsTask(plan: ServicePlan): string {
  const { command, workingDir } = plan;
  const [program = '', ...words] = command;
  return `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>${titleOf(plan)}</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>7</Priority>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>999</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>${escaped(program)}</Command>
      <Arguments>${escaped(words.map(windowsWord).join(' '))}</Arguments>
      <WorkingDirectory>${escaped(workingDir)}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
`;
}

/** As the C runtime of Windows takes a command line apart: quoted, with what stands before a quote doubled. */
function windowsWord(word: string): string {
  return `"${word.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
