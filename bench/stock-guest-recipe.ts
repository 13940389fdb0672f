/** The name that the guest's first user has. */
export const stockGuestUser = "debian";
export const stockGuestDiskBytes = 8 * 1024 ** 3;

/** What Debian's own cloud image holds (its package list without locales and manuals), and docker. */
export function stockGuestPackages(arch: string): string[] {
  return [
    "systemd-sysv",
    "systemd-resolved",
    "systemd-timesyncd",
    "dbus",
    "libnss-resolve",
    "netplan.io",
    "polkitd",
    "libpam-systemd",
    "udev",
    "cloud-init",
    "cloud-guest-utils",
    "cloud-initramfs-growroot",
    "initramfs-tools",
    "openssh-server",
    "unattended-upgrades",
    "bash-completion",
    "ca-certificates",
    "curl",
    "iptables",
    "e2fsprogs",
    "fdisk",
    "less",
    "sudo",
    "uuid-runtime",
    "vim-tiny",
    "apparmor",
    "docker.io",
    "docker-cli",
    `linux-image-cloud-${arch}`,
  ];
}

/** Debian's cloud image sets up its network with netplan alone. */
export const stockGuestHooks = ['chroot "$1" apt-get purge -q -y ifupdown'] as const;

/** Files laid over the packages: a NoCloud seed, as Lima-type tools hand one over, and the root file system's table. */
export function stockGuestFiles(publicKey: string): Readonly<Record<string, string>> {
  return {
    "etc/fstab": "LABEL=stock-root / ext4 rw,discard,errors=remount-ro 0 1\n",
    "etc/hostname": "stock\n",
    "etc/cloud/cloud.cfg.d/90_datasource.cfg": "datasource_list: [ NoCloud, None ]\n",
    "etc/cloud/cloud.cfg.d/91_network.cfg": "system_info: { network: { renderers: [netplan] } }\n",
    "var/lib/cloud/seed/nocloud/meta-data": "instance-id: stock-guest\nlocal-hostname: stock\n",
    "var/lib/cloud/seed/nocloud/network-config": "version: 2\nethernets:\n  all:\n    match: { name: 'e*' }\n    dhcp4: true\n",
    "var/lib/cloud/seed/nocloud/user-data": [
      "#cloud-config",
      "users:",
      `  - name: ${stockGuestUser}`,
      "    shell: /bin/bash",
      "    groups: [docker]",
      "    sudo: ALL=(ALL) NOPASSWD:ALL",
      `    ssh_authorized_keys: [${JSON.stringify(publicKey.trim())}]`,
      "growpart: { mode: auto, devices: ['/'] }",
      "package_update: false",
      "",
    ].join("\n"),
  };
}
