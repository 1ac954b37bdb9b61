import { truncate } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ovfLayout } from '../../../src/layout/ovf/ovf.js';
import { qemuImg, requireTool } from '../../support/image/qemu.js';
import { scanWith } from '../../support/layout/scan-with.js';
import { treeOf } from '../../support/layout/tree.js';

/** As VirtualBox and VirtualCenter 2.5 wrote it: one element for all sections, and one for machines and sets of them, each of its `xsi:type`. Source: the example of the Open Virtual
 *  Machine Format Specification 0.9 (VMware and XenSource, 2007), 5; VirtualBox, ApplianceImplExport.cpp. */
function descriptor09(contentType: string): string {
  return `<?xml version="1.0"?>
<ovf:Envelope xmlns:ovf="http://www.vmware.com/schema/ovf/1/envelope" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ovf:version="0.9">
  <References><File ovf:id="f1" ovf:href="web-disk1.vmdk"/><File ovf:id="f2" ovf:href="web.nvram"/></References>
  <Section xsi:type="ovf:NetworkSection_Type"><Info/><Network ovf:name="bridged"/></Section>
  <Section xsi:type="ovf:DiskSection_Type"><Info/>
    <Disk ovf:capacity="1048576" ovf:diskId="d1" ovf:fileRef="f1" ovf:format="http://www.vmware.com/specifications/vmdk.html#sparse"/>
  </Section>
  <Content xsi:type="ovf:${contentType}" ovf:id="vm"><Info/><Name>Web server</Name>
    <Section xsi:type="ovf:VirtualHardwareSection_Type"><Info/></Section>
  </Content>
</ovf:Envelope>`;
}

describe.skipIf(!requireTool('qemu-img'))('an OVF package of OVF 0.9', () => {
  it.each(['VirtualSystem_Type', 'VirtualSystemCollection_Type'])(
    'has its disks and its name (%s)',
    async (contentType) => {
      const copy = await treeOf({ 'web/web.ovf': descriptor09(contentType), 'web/web.nvram': 512 });
      const disk = copy.at('web/web-disk1.vmdk');
      await qemuImg('create', '-q', '-f', 'vmdk', '-o', 'subformat=streamOptimized', disk, '1M');
      const [machine] = await scanWith(ovfLayout, copy.repository);
      expect(machine?.name).toBe('Web server');
      expect(machine?.restorePoints).toMatchObject([
        { state: 'complete', disks: [{ disk: 'web-disk1.vmdk', format: 'vmdk-stream' }] },
      ]);
      await truncate(disk, 1_000);
      const [cut] = await scanWith(ovfLayout, copy.repository);
      expect(cut?.restorePoints[0]?.state).not.toBe('complete');
    },
  );
});
