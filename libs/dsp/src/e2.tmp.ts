import { powerSpectrogram } from './stft.ts';
import { melspectrogram, melBank } from './mel.ts';
import { frameWindow } from './window.ts';
import { quadFrames, quadPlan } from './simd/quads.ts';
const SR=16000, y=Float32Array.from({length:2*SR},(_,i)=>0.3*Math.sin(i*0.05)+0.1*Math.sin(i*i*1e-5)+0.01*Math.random());
const framing=(n:number,h=512)=>({y,padding:n/2,pad_mode:'constant' as const,window:frameWindow('hann',n,n),n_fft:n,hop_length:h,rows:1+Math.floor(y.length/h),cols:n/2+1});
for (const n of [512,1024,2048,4096]) { const f=framing(n); const P=powerSpectrogram(y,{n_fft:n,hop_length:512}); const o=new Float32Array(P.data.length); quadFrames(quadPlan(n)!,f,o);
 let worst=0; for(let r=0;r<P.rows;r++){let m=0,d=0;for(let k=0;k<P.cols;k++){m=Math.max(m,P.data[r*P.cols+k]!);d=Math.max(d,Math.abs(P.data[r*P.cols+k]!-o[r*P.cols+k]!))}worst=Math.max(worst,d/m)} console.log(n,worst);
 const bank=melBank(SR,n,{}).bank; const M=melspectrogram({S:P,sr:SR,n_fft:n}); const mo=new Float32Array(M.data.length); quadFrames(quadPlan(n)!,f,mo,bank); let w=0; M.data.forEach((v,i)=>{w=Math.max(w,Math.abs(v-mo[i]!)/(v+1e-12))}); console.log('mel rel',w);}
const f=framing(2048), bank=melBank(SR,2048,{}).bank, o=new Float32Array(f.rows*f.cols), mo=new Float32Array(f.rows*128), plan=quadPlan(2048)!;
const t=(name:string,f:()=>unknown)=>{for(let i=0;i<100;i++)f();let best=1e9;for(let r=0;r<10;r++){const s=process.hrtime.bigint();for(let i=0;i<40;i++)f();best=Math.min(best,Number(process.hrtime.bigint()-s)/40e3)}console.log(name,best.toFixed(1),'us')};
t('power double',()=>powerSpectrogram(y));t('power quad',()=>quadFrames(plan,f,o));t('mel quad',()=>quadFrames(plan,f,mo,bank));t('power double',()=>powerSpectrogram(y));t('power quad',()=>quadFrames(plan,f,o));
