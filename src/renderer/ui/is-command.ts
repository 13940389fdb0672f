const programs = /^(?:sudo|npm|berth|apt-get|brew|systemctl|modprobe|chmod|usermod) \S/;

/** Whether a way to mend something is a command that can be copied, and not a sentence. */
export function isCommand(fix: string): boolean {
  return programs.test(fix) && !/[,;] | tells /.test(fix);
}
