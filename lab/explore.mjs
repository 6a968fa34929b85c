import { openLaboratory } from './dist/network/Laboratory.js';
import { labSettings, labTraining } from './dist/network/settings.js';
import { LabNetwork } from './dist/network/LabNetwork.js';
import { honest } from './dist/network/behaviour.js';
const H=+process.argv[3]||4;
const settings=labSettings({training:{...labTraining,innerSteps:H}}); const lab=await openLaboratory(settings);
const net=new LabNetwork(lab,settings,[0,1,2,3,4,5].map(i=>({id:'honest-'+i,behaviour:honest})));
const N=+process.argv[2]||6;
for(let r=0;r<N;r++){const rep=await net.runRound(); const g=rep.submissions.filter(s=>s.gaps); const all=g.flatMap(s=>[...s.gaps.assigned]).sort((a,b)=>a-b); const m=all[(all.length-1)>>1]; const c=g.flatMap(s=>[...s.gaps.control]); const f=c.filter(x=>x>=m/3).length/c.length; const sd=Math.sqrt(c.reduce((a,b)=>a+b*b,0)/c.length);
 console.log('round',r,'loss',rep.lossNats.toFixed(3),'median',m?.toFixed(3),'f',f.toFixed(2),'sd',sd.toFixed(3),'covered',rep.submissions.map(s=>(s.covered?.toFixed(2)??'-')+(s.code?'!'+s.code:'')).join(' '));}
await lab.dispose();
