/** What the tool of each type restores a copy with, by id of the type: as one types it, with names made up, in the folder that `longhaul restore --layout` has
 *  written; for trees in that or in the copy itself. Sources: the manual of each tool. */
export const RESTORE_COMMANDS: Readonly<Record<string, string>> = {
  'aix-mksysb': '`alt_disk_mksysb -m aix01.mksysb -d hdisk1`, or NIM',
  'amazon-ec2': '`aws ec2 import-image`, from a bucket',
  barman: '`barman recover main latest $PGDATA`, with `backup_directory` of the copy',
  borg: '`borg extract repository::archive`',
  'dated-tree': '`rsync -aH 2026-11-24/ /srv/share/`',
  'disk-image': '`qemu-img convert`, or what takes such disks',
  'google-cloud': '`tar xf`; of Google Cloud `gcloud compute images create`, from a bucket',
  'hpe-storeonce': 'the program that wrote to the appliance',
  'hyper-v': "`Import-VM -Path 'Virtual Machines\\<id>.vmcx' -Copy`",
  kasten: 'Kasten K10: import policy',
  kopia: '`kopia repository connect filesystem --path repository`, `kopia restore`',
  'libvirt-kvm': '`qemu-img convert -O qcow2 vda.qcow2 web01.qcow2`',
  'linux-agent': '`virtnbdrestore -i restored -o machine`',
  'mac-image': '`hdiutil attach mac01.dmg`, `asr restore`',
  mongodb: '`pbm restore <name>`, `mongorestore --archive=shop.archive`',
  'mysql-xtrabackup':
    '`mariadb-backup --prepare --target-dir=full-2026-11-24 --incremental-dir=inc-2026-11-25`',
  'nutanix-ahv': '`acli image.create web01 image_type=kDiskImage container=default source_url=…`',
  'olvm-rhv': '`upload_disk.py`, or `qemu-img convert -O raw`',
  'oracle-rman': '`rman`: `CATALOG START WITH`, `RESTORE DATABASE`',
  'oracle-logs': "`rman`: `CATALOG START WITH '/restored/arch/'`, `RECOVER DATABASE`",
  'proxmox-backup-server': 'Proxmox Backup Server: the copy as a datastore',
  'pg-probackup': '`pg_probackup restore -B /restored --instance node -D $PGDATA`',
  pgbackrest: '`pgbackrest --stanza=main restore`',
  'postgresql-base':
    '`tar -xf base.tar.gz -C $PGDATA`, `tar -xf pg_wal.tar.gz -C $PGDATA/pg_wal`; of a plain one `cp -a 2026-11-24/. $PGDATA`, `chmod 700 $PGDATA`',
  'postgresql-wal': "`restore_command = 'cp /restored/wal/%f %p'`",
  'proxmox-ve': '`qmrestore vzdump-qemu-100-….vma.zst 100`, `pct restore`',
  'raw-image': '`dd if=web01.img of=/dev/sdb`',
  restic: '`restic -r repository restore latest --target /srv`',
  'sap-hana': '`hdbsql`: `RECOVER DATABASE`',
  'scale-hypercore':
    '`qemu-img amend -f qcow2 -o compat=0.10 <disk>.qcow2` (it takes no other qcow2), HyperCore: import of a machine',
  'solaris-stream': '`zfs receive tank/home`, `ufsrestore rf web01.ufsdump`',
  'sql-server': "`RESTORE DATABASE sales FROM DISK = 'sales.bak'`",
  'vhd-image': '`az disk create`, or what takes such disks',
  'vmware-vsphere':
    '`ghettoVCB-restore.sh -c machines`, `ovftool web01.ovf vi://esx01`, `vim-cmd solo/registervm web01.vmx`',
  'wal-g': '`WALG_FILE_PREFIX=/restored wal-g backup-fetch $PGDATA LATEST`',
  'windows-agent': '`wbadmin start recovery`, or Windows setup: system image recovery',
};
