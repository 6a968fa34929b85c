import { openLaboratory } from './dist/network/Laboratory.js';
import { labSettings } from './dist/network/settings.js';
import { LabNetwork } from './dist/network/LabNetwork.js';
import { honest } from './dist/network/behaviour.js';
import { gallery } from './dist/attacks/gallery.js';
const settings=labSettings(); const lab=await openLaboratory(settings);
const f=(x)=>x===undefined?'-':x.toFixed(3);
const ps=[0,1,2,3,4,5,6].map(i=>({id:'h'+i,behaviour:honest})); for (const n of ['lazy-half','thin-batches','blend']) ps.push({id:n,behaviour:gallery.find(a=>a.name===n)});
const net=new LabNetwork(lab,settings,ps);
const N=+process.argv[2]||8;
for(let r=0;r<N;r++){const t=performance.now();const rep=await net.runRound();
 console.log('round',r,'loss',rep.lossNats.toFixed(3),rep.applied,((performance.now()-t)/1000).toFixed(1)+'s');
 for(const s of rep.submissions) console.log('  ',s.participant.id.padEnd(12),(s.code??'ok').padEnd(16),'gain',f(s.gainNats),'covered',f(s.covered),'paid',f(s.paidNats));
}
await lab.dispose();
