import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { type ListedModel, listModels } from '../api/models.js';
import { PageHead } from '../parts/page-head.js';
import { Empty, Loading, Trouble } from '../parts/states.js';

/** Every model, asked for once in a while: they change when somebody adds one. */
export const useModels = () =>
  useQuery({
    queryKey: ['models'],
    queryFn: ({ signal }) => listModels(signal),
    staleTime: 60_000,
  });

export function ModelsPage() {
  const { data, error, refetch } = useModels();
  return (
    <>
      <PageHead
        title="Models"
        lead="Classifiers that this service runs. Open one to look inside: at its layers, its filters and what they see."
      />
      {data === undefined && error === null && <Loading what="the models" />}
      {data === undefined && error !== null && (
        <Trouble error={error} onRetry={() => void refetch()} />
      )}
      {data?.length === 0 && (
        <Empty title="No models yet">
          <code>umbra models add</code> adds one.
        </Empty>
      )}
      {data !== undefined && data.length > 0 && (
        <ul className="list">
          {data.map((model) => (
            <ModelRow key={model.name} model={model} />
          ))}
        </ul>
      )}
    </>
  );
}

export const modelPath = (name: string): string => `/models/${encodeURIComponent(name)}`;

function ModelRow({ model }: { readonly model: ListedModel }) {
  const { name, digest, format, input, licence, setAside } = model;
  return (
    <li className="list-row">
      <div className="list-words">
        <Link className="list-name" href={modelPath(name)}>
          {name}
        </Link>
        <span className="note">
          {format} · {licence} · <span className="id">{digest.slice(0, 12)}</span>
        </span>
        {setAside !== null && <span className="bad">Set aside: {setAside.reason}</span>}
      </div>
      <span className="number">
        {input.width} × {input.height} px
      </span>
    </li>
  );
}
