/** Why no lab can run here, in one line that says what to do. */
export class LinuxUnavailable extends Error {
  override readonly name = "LinuxUnavailable";
}

/** Users other than root often have no sbin in their PATH, where ip and iptables are. */
export const pathWithSbin = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`,
});
